import JSON

/// What stands in a line in place of a long string or of bytes that are no text:
/// `{"blob":"sha256:…","bytes":n,"head":"…","tail":"…"}`.
public struct BlobReference: Sendable, Hashable {
    public var hash: ContentHash
    public var byteCount: Int
    /// The first bytes as text, cut between characters; everything when it is short.
    public var head: String
    /// The last bytes as text; empty when `head` is everything.
    public var tail: String

    public init(hash: ContentHash, bytes: UnsafeRawBufferPointer) {
        self.hash = hash
        byteCount = bytes.count
        let isShort = bytes.count <= 2 * TraceFormat.excerptBytes
        var headEnd = isShort ? bytes.count : TraceFormat.excerptBytes
        var tailStart = isShort ? bytes.count : bytes.count - TraceFormat.excerptBytes
        while headEnd < bytes.count, headEnd > 0, Self.isContinuation(bytes[headEnd]) { headEnd -= 1 }
        while tailStart < bytes.count, Self.isContinuation(bytes[tailStart]) { tailStart += 1 }
        head = String(decoding: bytes[..<headEnd], as: UTF8.self)
        tail = String(decoding: bytes[tailStart...], as: UTF8.self)
    }

    /// Nil for everything that is not exactly a reference.
    public init?(_ value: JSONValue) {
        guard case .object(let object) = value, object.count == 4, object.members[0].key == "blob",
            let hash = object["blob"]?.string.flatMap(Self.parse), let byteCount = object["bytes"]?.int,
            let head = object["head"]?.string, let tail = object["tail"]?.string
        else { return nil }
        self.hash = hash
        self.byteCount = byteCount
        self.head = head
        self.tail = tail
    }

    public var json: JSONValue {
        ["blob": .string(hash.description), "bytes": .int(byteCount), "head": .string(head), "tail": .string(tail)]
    }

    private static func parse(_ text: String) -> ContentHash? {
        text.hasPrefix(ContentHash.prefix) ? ContentHash(hex: text) : nil
    }

    private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
}

extension JSONValue {
    /// Every reference inside, in order.
    public var blobReferences: [BlobReference] {
        switch self {
        case .object(let object):
            BlobReference(self).map { [$0] } ?? object.members.flatMap(\.value.blobReferences)
        case .array(let elements): elements.flatMap(\.blobReferences)
        default: []
        }
    }
}
