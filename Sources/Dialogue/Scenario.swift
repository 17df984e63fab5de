import JSON
import Workspaces

/// What a trajectory is about: an intent, and where its domains can say so, the tasks in it with their worlds and goals.
public struct Scenario: Sendable, Hashable {
    public var id: String
    /// The intent record, unknown keys kept.
    public var intent: JSONValue
    /// What the domains' `instantiate` gave, in the order of the intent; empty for intents from elsewhere.
    public var tasks: [JSONValue]

    public init(id: String, intent: JSONValue, tasks: [JSONValue] = []) {
        self.id = id
        self.intent = intent
        self.tasks = tasks
    }

    /// What a record says that is a question rather than an intent.
    var query: String? {
        intent["task_type"]?.string == "direct_query" ? intent["natural_language_intent"]?.string : nil
    }

    var persona: JSONValue { intent["metadata"]?["persona"] ?? [:] }
}

/// The part of a scenario that the trajectory acts on, checked before anything runs.
struct PreparedTask: Sendable {
    var name: String
    var fixture: Fixture
    /// As written, for the record, beside what it means.
    var goals: [(json: JSONValue, goal: Goal)]
}

extension PreparedTask {
    init(_ instance: JSONValue) throws(Ending) {
        name = instance["task"]?.string ?? "unnamed task"
        do {
            fixture = try Fixture(instance["fixture"])
            goals = []
            for json in instance["goals"]?.array ?? [] { goals.append((json, try Goal(json))) }
        } catch {
            throw Ending(.infrastructure, "the task `\(name)` of the scenario cannot be used: \(error)")
        }
    }

    /// Builds the task's world and keeps what must stay as it is.
    mutating func layOut(in workspace: Workspace) async throws(FixtureError) {
        try await fixture.layOut(in: workspace)
        let paths = goals.compactMap { goal -> String? in
            if case .unchanged(let path) = goal.goal { path } else { nil }
        }
        try await fixture.remember(paths, in: workspace)
    }
}
