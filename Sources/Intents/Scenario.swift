import JSON

/// Everything a trajectory starts from.
public struct Scenario: Sendable, Hashable {
    public let record: IntentRecord
    /// Nil for direct queries and for records without a persona.
    public let persona: Persona?
    /// The tasks with fixtures, stages and goals; empty for records of other makers.
    public let tasks: [TaskInstance]

    public init(record: IntentRecord, persona: Persona? = nil, tasks: [TaskInstance] = []) {
        self.record = record
        self.persona = persona
        self.tasks = tasks
    }

    public var id: String { record.id }
    public var text: String { record.text }
}
