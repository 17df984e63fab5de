import JSON

/// How an intent of ISE's own making came to be. It travels in the record under the extra key `ise`:
/// `{"seed": 7, "index": 3, "personas": "office", "tasks": [{"domain": "file-io", "task": "Count Log Lines", "seed": 1234}]}`.
public struct IntentOrigin: Sendable, Hashable {
    static let key = "ise"

    public struct Task: Sendable, Hashable {
        /// Name of the domain plugin.
        public var domain: String
        /// Name of the task in that domain.
        public var task: String
        /// Seed of the task's concrete values.
        public var seed: UInt64
    }

    /// Seed of the pool that the intent belongs to.
    public var seed: UInt64
    /// Place in that pool, from 0.
    public var index: Int
    /// Name of the persona plugin.
    public var personas: String
    public var tasks: [Task]

    init(seed: UInt64, index: Int, personas: String, tasks: [Task]) {
        self.seed = seed
        self.index = index
        self.personas = personas
        self.tasks = tasks
    }

    /// Nil when `value` is something else than what ISE writes.
    init?(_ value: JSONValue) {
        guard let seed = value["seed"]?.int, let index = value["index"]?.int, let personas = value["personas"]?.string,
            let listed = value["tasks"]?.array, seed >= 0, !listed.isEmpty
        else { return nil }
        let tasks = listed.compactMap { task -> Task? in
            guard let domain = task["domain"]?.string, let name = task["task"]?.string, let seed = task["seed"]?.int,
                seed >= 0
            else { return nil }
            return Task(domain: domain, task: name, seed: UInt64(seed))
        }
        guard tasks.count == listed.count else { return nil }
        self.init(seed: UInt64(seed), index: index, personas: personas, tasks: tasks)
    }

    var value: JSONValue {
        [
            "seed": .int(Int(clamping: seed)),
            "index": .int(index),
            "personas": .string(personas),
            "tasks": .array(
                tasks.map {
                    ["domain": .string($0.domain), "task": .string($0.task), "seed": .int(Int(clamping: $0.seed))]
                }),
        ]
    }
}
