/// Takes secrets out of bytes before they are hashed and written.
///
/// Always on. It looks for known secrets, by exact value and in the encodings that programs print them in, and for
/// whatever looks like a token of a well-known kind. Each find is replaced by `[REDACTED:label]` and counted under
/// its label.
public struct Redactor: Sendable {
    /// A value that must not appear in any trace.
    public struct Secret: Sendable, Hashable {
        /// Stands in the trace in the value's place, as `[REDACTED:name]`.
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// How often each label was redacted.
    public typealias Counts = [String: Int]

    /// A shorter value is not looked for: it would be found in innocent text (`EMPTY` is a usual key of local servers).
    public static let minimumSecretBytes = 8

    private let index: NeedleIndex

    /// The names of secrets that are too short to be looked for: worth a warning.
    public let ignored: [String]

    public init(secrets: [Secret] = []) {
        let isUsable = { (secret: Secret) in secret.value.utf8.count >= Self.minimumSecretBytes }
        index = NeedleIndex(secrets.filter(isUsable).flatMap(Needle.spellings) + Needle.tokens)
        ignored = secrets.filter { !isUsable($0) && !$0.value.isEmpty }.map(\.name)
    }

    public func redact(_ text: String) -> String {
        var counts: Counts = [:]
        var text = text
        let redacted = text.withUTF8 { redact(UnsafeRawBufferPointer($0), counting: &counts) }
        return redacted.map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    public func redact(_ bytes: [UInt8]) -> [UInt8] {
        var counts: Counts = [:]
        return bytes.withUnsafeBytes { redact($0, counting: &counts) } ?? bytes
    }

    /// The bytes without their secrets; nil when there are none, which is the usual case and costs no copy.
    func redact(_ bytes: UnsafeRawBufferPointer, counting counts: inout Counts) -> [UInt8]? {
        var out: [UInt8] = []
        var copied = 0
        index.forEachMatch(in: bytes) { range, label in
            out.append(contentsOf: bytes[copied..<range.lowerBound])
            out.append(contentsOf: "[REDACTED:\(label)]".utf8)
            counts[label, default: 0] += 1
            copied = range.upperBound
        }
        guard copied > 0 else { return nil }
        out.append(contentsOf: bytes[copied...])
        return out
    }
}
