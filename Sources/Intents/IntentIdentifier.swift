import JSON
import Trace

/// The id of a record names its trace's file.
enum IntentIdentifier {
    /// Leaves room for endings and for a suffix within the 255 bytes of a file name.
    static let maximumLength = 128

    /// What is wrong with `id` as a file name, and what to do; nil when nothing is.
    static func fault(in id: String) -> String? {
        let fault: String? =
            if id.utf8.count > maximumLength {
                "it has \(id.utf8.count) bytes, more than the \(maximumLength) allowed"
            } else if id.hasPrefix(".") || id.hasPrefix("-") {
                "it starts with '\(id.prefix(1))'"
            } else if !TraceWriter.isValid(id: id) {
                "it has other characters than ASCII letters, digits, '-', '_' and '.'"
            } else {
                nil
            }
        return fault.map { "the id \(quoted(id)) cannot name a file: \($0); rename it" }
    }

    /// The id that a record gives itself, under the first of the usual keys that is neither missing nor empty.
    static func given(in record: JSONObject, kind: IntentRecord.Kind) -> String? {
        let keys = kind == .intent ? ["id", "task_id", "intent_id"] : ["id", "task_id", "query_id"]
        for key in keys {
            switch record[key] {
            case .string(let text) where !text.isEmpty: return text
            case .int(let number) where number != 0: return String(number)
            default: continue
            }
        }
        return nil
    }

    /// The id of a record that has none: its kind, the number of its line, and a digest of its content, as the paper's own
    /// pipeline makes it.
    static func generated(for record: JSONObject, kind: IntentRecord.Kind, line: Int) -> String {
        let digest = Digest.md5(IntentLine.bytes(of: JSONValue.object(record).sortedByKey))
        let number = String(line)
        let padding = String(repeating: "0", count: max(0, 6 - number.count))
        return "\(kind == .intent ? "intent" : "query")_\(padding)\(number)_\(Digest.hex(digest).prefix(12))"
    }

    /// For messages: control characters escaped, overlong ids cut.
    static func quoted(_ id: String) -> String {
        id.count > 60 ? JSONValue.string(id.prefix(57) + "...").compact : JSONValue.string(id).compact
    }
}
