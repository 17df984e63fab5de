import JSON

/// The stages of all tasks in one list, ids prefixed by the number of their task (`2/count`), so that simulator and agent
/// speak of the same thing.
struct Playbook: Sendable {
    private struct Entry: Sendable {
        var id: String
        /// 1-based.
        var taskIndex: Int
        var task: String
        var stage: JSONValue
        /// How the task is double-checked: every stage of the task has it.
        var verification: JSONValue?
    }

    private var entries: [Entry] = []

    init(_ tasks: [JSONValue]) {
        for (index, task) in tasks.enumerated() {
            for stage in task["stages"]?.array ?? [] {
                entries.append(
                    Entry(
                        id: "\(index + 1)/\(stage["id"]?.string ?? "")", taskIndex: index + 1,
                        task: task["task"]?.string ?? "", stage: stage, verification: task["verify"]))
            }
        }
    }

    /// What a user would know: what to ask for, nothing of how it is done.
    var forSimulator: JSONValue {
        list { entry in
            [("ask", entry.stage["ask"]), ("repair", entry.stage["repair"].map(Self.words))]
        }
    }

    /// What the scripted agent follows.
    var forAgent: JSONValue {
        list { entry in
            [
                ("steps", entry.stage["steps"]), ("reply", entry.stage["reply"]), ("repair", entry.stage["repair"]),
                ("verify", entry.verification),
            ]
        }
    }

    /// Null without stages.
    private func list(_ members: (Entry) -> [(String, JSONValue?)]) -> JSONValue {
        guard !entries.isEmpty else { return .null }
        return .array(
            entries.map { entry in
                var object: JSONObject = [
                    "id": .string(entry.id), "task_index": .int(entry.taskIndex), "task": .string(entry.task),
                ]
                for (key, value) in members(entry) { object[key] = value }
                return .object(object)
            })
    }

    /// A repair may hold the steps of the agent too; the user sees its words only.
    private static func words(_ repair: JSONValue) -> JSONValue {
        JSONValue.object(JSONObject(["brief", "full"].compactMap { key in repair[key].map { (key, $0) } }))
    }
}
