import Basics
import JSON

/// One task with its concrete values: what a domain plugin's `instantiate` answers. It is data; Dialogue gives it meaning.
public struct TaskInstance: Sendable, Hashable {
    /// Name of the domain plugin.
    public let domain: String
    /// Name of the task.
    public let task: String
    public let seed: UInt64
    public let value: JSONObject

    /// Checks the members that every instance must have.
    init(domain: String, task: String, seed: UInt64, value: JSONValue) throws(IntentError) {
        let object = value.object ?? JSONObject()
        func fail(_ reason: String) -> IntentError {
            IntentError(.plugin, "instantiate(\"\(task)\") of the domain \(domain) \(reason)")
        }
        guard value.object != nil else { throw fail("gave \(value.typeName), not a table") }
        guard object["request"]?.string?.trimmed.nonEmpty != nil else { throw fail("gave no request sentence") }
        guard let stages = object["stages"]?.array, !stages.isEmpty else { throw fail("gave no stages") }
        let ids = stages.compactMap { $0["id"]?.string }
        guard ids.count == stages.count, Set(ids).count == ids.count else {
            throw fail("gave stages without an id of their own")
        }
        self.domain = domain
        self.task = task
        self.seed = seed
        self.value = object
    }

    /// The sentence that asks for the task, concrete values included.
    public var request: String { value["request"]?.string ?? "" }
    /// The concrete values that the text must contain.
    public var values: JSONObject { value["values"]?.object ?? JSONObject() }
    /// Files, modes and commands that set the home directory up before the first turn.
    public var fixture: JSONValue { value["fixture"] ?? [:] }
    /// The playbook: one stage is one user turn.
    public var stages: [JSONValue] { value["stages"]?.array ?? [] }
    /// What the scripted agent does when the user asks for a double-check.
    public var verification: JSONValue? { value["verify"] }
    /// Predicates over the final workspace.
    public var goals: [JSONValue] { value["goals"]?.array ?? [] }
}
