import Basics
import JSON

/// One structured intent: a line of an `intents.jsonl`.
///
/// The record is kept as the JSON it was read from, so that unknown keys at every level, the order of keys and the very
/// bytes of the line survive reading and writing. The properties look into that JSON.
public struct IntentRecord: Sendable, Hashable {
    public enum Kind: String, Sendable {
        /// A goal that a simulated user pursues over many turns.
        case intent
        /// A single question that goes to the agent as it stands, without a simulated user.
        case directQuery = "direct_query"
    }

    /// The record's own id, or one made from its content when it has none.
    public let id: String
    public let kind: Kind
    public let value: JSONObject
    private let source: [UInt8]?

    /// - Parameter source: the line that `value` was parsed from, without its line break.
    init(id: String, kind: Kind, value: JSONObject, source: [UInt8]? = nil) {
        self.id = id
        self.kind = kind
        self.value = value
        self.source = source
    }

    /// The bytes of the line, without a line break: those that were read, or the usual form of a record made here.
    public var line: [UInt8] { source ?? IntentLine.bytes(of: .object(value)) }

    /// What the user wants, in the user's words: `natural_language_intent`, or the query of a direct query.
    public var text: String {
        let keys = kind == .intent ? ["natural_language_intent"] : ["query", "question"]
        return keys.lazy.compactMap { value[$0]?.string?.trimmed.nonEmpty }.first ?? ""
    }

    public var metadata: JSONValue? { value["metadata"] }
    public var complexity: String? { value["complexity"]?.string }

    /// The answer that a direct query expects, for later grading.
    public var referenceAnswer: JSONValue? { metadata?["reference_answer"] ?? value["answer"] }

    /// The persona that the record describes; nil where it describes none.
    public var persona: Persona? {
        guard var description = metadata?["persona"]?.object else { return nil }
        if description["id"] == nil { description["id"] = value["persona_id"] }
        return Persona(description)
    }

    /// What ISE needs to build fixtures, stages and goals again; nil in records of other makers.
    public var origin: IntentOrigin? { value[IntentOrigin.key].flatMap(IntentOrigin.init) }

    /// What a simulator is shown. A direct query is spelled like an intent, its answer moved to the metadata, as the paper's own
    /// pipeline does it.
    public var normalized: JSONValue {
        guard kind == .directQuery else { return .object(value) }
        var record = value
        var metadata = value["metadata"]?.object ?? JSONObject()
        if metadata["reference_answer"] == nil, let answer = value["answer"], !answer.isNull {
            metadata["reference_answer"] = answer
        }
        if metadata["source_question"] == nil, let question = value["question"] {
            metadata["source_question"] = question
        }
        record["id"] = .string(id)
        record["task_type"] = .string(kind.rawValue)
        record["query"] = .string(text)
        record["natural_language_intent"] = .string(text)
        record["metadata"] = .object(metadata)
        return .object(record)
    }

    public static func == (a: IntentRecord, b: IntentRecord) -> Bool { a.id == b.id && a.line == b.line }

    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

extension StringProtocol {
    var nonEmpty: Self? { isEmpty ? nil : self }
}

extension IntentRecord {
    /// The id that `skills_used` of a generated record has for the skill of this name.
    public static func skillID(_ name: String) -> String { Digest.uuid("skill:\(name)") }
}
