import Basics
import JSON

extension IntentRecord {
    /// Reads one line of a pool.
    /// - Parameters:
    ///   - line: without its line break.
    ///   - number: of the line in its file, from 1; it becomes part of an id made up for a record that has none.
    /// - Throws: `.record` with what is wrong and what to do.
    public init(line: [UInt8], number: Int) throws(IntentError) {
        guard String(validating: line, as: UTF8.self) != nil else {
            throw IntentError(.record, "the line is not valid UTF-8; save the file as UTF-8")
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: line)
        } catch {
            throw IntentError(
                .record, "no JSON: \(error.reason) at column \(error.column); a record is one JSON object on one line")
        }
        guard let record = value.object else {
            throw IntentError(.record, "a record is a JSON object, this line is \(value.typeName.withArticle)")
        }
        let kind = try Self.kind(of: record)
        try Self.checkTypes(of: record)
        let id =
            IntentIdentifier.given(in: record, kind: kind)
            ?? IntentIdentifier.generated(for: record, kind: kind, line: number)
        if let fault = IntentIdentifier.fault(in: id) { throw IntentError(.record, fault) }
        self.init(id: id, kind: kind, value: record, source: line)
    }

    /// A record with a question and no intent is a direct query; `task_type` can say so too.
    private static func kind(of record: JSONObject) throws(IntentError) -> Kind {
        func has(_ key: String) -> Bool { record[key]?.string?.trimmed.nonEmpty != nil }
        let asks = has("query") || has("question")
        let saysQuery = record["task_type"]?.string?.trimmed.lowercased() == Kind.directQuery.rawValue
        if saysQuery, !asks {
            throw IntentError(.record, "a direct_query needs its question as a string under \"query\" or \"question\"")
        }
        if saysQuery || (asks && !has("natural_language_intent")) { return .directQuery }
        guard has("natural_language_intent") else {
            let found = record["natural_language_intent"].map {
                "is \($0.isNull ? "null" : $0.string == nil ? $0.typeName.withArticle : "empty")"
            }
            throw IntentError(
                .record,
                "\"natural_language_intent\" \(found ?? "is missing"); a record needs the user's request there as a string, "
                    + "or a direct question under \"query\" or \"question\"")
        }
        return .intent
    }

    private static func checkTypes(of record: JSONObject) throws(IntentError) {
        func check(_ value: JSONValue?, _ path: String, _ expected: String) throws(IntentError) {
            guard let value, !value.isNull, value.typeName != expected else { return }
            throw IntentError(
                .record, "\"\(path)\" is \(value.typeName.withArticle); it should be \(expected.withArticle)")
        }
        for key in ["domains", "tasks", "tools_used", "skills_used"] { try check(record[key], key, "array") }
        for key in ["persona_id", "complexity"] { try check(record[key], key, "string") }
        try check(record["metadata"], "metadata", "object")
        try check(record["metadata"]?["persona"], "metadata.persona", "object")
        try check(record["metadata"]?["domains"], "metadata.domains", "array")
    }
}

extension String {
    /// "an array", "a string", "null".
    fileprivate var withArticle: String {
        if self == "null" { return self }
        return ("aeio".contains(first ?? " ") ? "an " : "a ") + self
    }
}
