import Basics

/// A key for a model's endpoint. It is sent and never shown: not in descriptions, not in dumps.
public struct APIKey: Sendable, Hashable {
    /// The secret itself: for the request's header and for the redactor's list.
    public let value: String

    /// White space at the ends, as files and shells leave it, is dropped; nil when nothing is left.
    public init?(_ value: String) {
        self.value = value.trimmed
        guard !self.value.isEmpty else { return nil }
    }

    /// The bytes with every occurrence of the key replaced: servers quote keys in their errors. A short key, as local
    /// servers are given for form's sake (`x`, `none`), is no secret, and would be found in innocent text.
    func removed(from bytes: [UInt8]) -> [UInt8] {
        let key = Array(value.utf8)
        guard key.count >= 8 else { return bytes }
        var out: [UInt8] = []
        var position = 0
        while position < bytes.count {
            if bytes[position] == key[0], bytes[position...].starts(with: key) {
                out.append(contentsOf: "[key]".utf8)
                position += key.count
            } else {
                out.append(bytes[position])
                position += 1
            }
        }
        return out
    }
}

extension APIKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "[key]" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
