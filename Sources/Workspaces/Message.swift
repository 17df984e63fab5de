import Glibc
import WorkspaceShim

/// A message to the launcher or an init, being built. The format is `protocol.h`'s.
struct OutgoingMessage {
    private(set) var bytes: [UInt8]
    var descriptors: [Int32] = []

    init(_ type: ise_type, id: UInt32) {
        let header = ise_header(type: UInt16(type.rawValue), flags: 0, id: id)
        bytes = withUnsafeBytes(of: header, Array.init)
    }

    mutating func add(_ tag: ise_tag, _ value: some FixedWidthInteger) {
        add(tag, bytes: withUnsafeBytes(of: UInt64(truncatingIfNeeded: value), Array.init))
    }

    mutating func add(_ tag: ise_tag, string: String) {
        add(tag, bytes: Array(string.utf8) + [0])
    }

    mutating func add(_ tag: ise_tag, bytes field: [UInt8]) {
        withUnsafeBytes(of: (UInt32(tag.rawValue), UInt32(field.count))) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: field)
    }
}

/// A message from the launcher or an init. What the init says is not trusted further than its format is checked here.
struct IncomingMessage: Sendable {
    let type: Int
    let id: UInt32
    /// The descriptors belong to the receiver of the message.
    let descriptors: [Int32]
    private let fields: ArraySlice<UInt8>

    struct Field {
        let tag: UInt32
        let bytes: ArraySlice<UInt8>

        var number: UInt64 {
            switch bytes.count {
            case 8: bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
            case 4: UInt64(bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) })
            default: 0
            }
        }

        var string: String {
            String(decoding: bytes.last == 0 ? bytes.dropLast() : bytes, as: UTF8.self)
        }
    }

    /// Nil when the packet is too short to be one.
    init?(packet: [UInt8], descriptors: [Int32]) {
        guard packet.count >= MemoryLayout<ise_header>.size else { return nil }
        let header = packet.withUnsafeBytes { $0.loadUnaligned(as: ise_header.self) }
        type = Int(header.type)
        id = header.id
        fields = packet[MemoryLayout<ise_header>.size...]
        self.descriptors = descriptors
    }

    func forEachField(_ body: (Field) -> Void) { Self.forEachField(in: fields, body) }

    /// Stops at a field that runs over the end.
    static func forEachField(in bytes: ArraySlice<UInt8>, _ body: (Field) -> Void) {
        var rest = bytes
        while rest.count >= 8 {
            let (tag, length) = rest.withUnsafeBytes {
                ($0.loadUnaligned(as: UInt32.self), Int($0.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
            }
            rest = rest.dropFirst(8)
            guard length <= rest.count else { return }
            body(Field(tag: tag, bytes: rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
    }

    func field(_ tag: ise_tag) -> Field? {
        var found: Field?
        forEachField { if found == nil, $0.tag == tag.rawValue { found = $0 } }
        return found
    }

    /// The error that a `FAILED` message carries.
    func failure(path: String? = nil) -> WorkspaceError {
        .failed(
            stage: field(ISE_T_STAGE)?.string ?? "do what was asked",
            errno: Int32(truncatingIfNeeded: field(ISE_T_ERRNO)?.number ?? 0), path: path)
    }
}
