import JSON

/// Who the simulated user is.
public struct Persona: Sendable, Hashable {
    /// Everything the pool or the record says about the persona.
    public let value: JSONObject

    /// The keys of a persona inside an intent record, in their order.
    static let recordKeys = [
        "name", "role", "industry", "expertise", "experience_level", "communication_style", "work_context",
    ]

    public init(_ value: JSONObject) { self.value = value }

    public var id: String { text("id") }
    public var name: String { text("name") }
    public var role: String { text("role") }
    public var industry: String { text("industry") }
    public var expertise: [String] { value["expertise"]?.array?.compactMap(\.string) ?? [] }
    /// Junior, Mid-level, Senior, Expert or Executive.
    public var experienceLevel: String { text("experience_level") }
    public var communicationStyle: String { text("communication_style") }
    public var workContext: String { text("work_context") }

    /// The part that an intent record carries under `metadata.persona`.
    var recordValue: JSONValue {
        .object(JSONObject(Self.recordKeys.map { ($0, value[$0] ?? ($0 == "expertise" ? [] : "")) }))
    }

    private func text(_ key: String) -> String { value[key]?.string ?? "" }
}
