/// What a stream carried: all of it up to the limit, beyond that its beginning and its end.
public struct CapturedOutput: Sendable, Equatable {
    /// The first bytes; the whole output when nothing was left out.
    public var head: [UInt8]
    /// The last bytes, when something between was left out.
    public var tail: [UInt8]
    /// Bytes that the command wrote, kept or not.
    public var totalBytes: Int

    public init(head: [UInt8] = [], tail: [UInt8] = [], totalBytes: Int? = nil) {
        self.head = head
        self.tail = tail
        self.totalBytes = totalBytes ?? head.count + tail.count
    }

    public var truncated: Bool { totalBytes > head.count + tail.count }

    /// What was kept, without a mark where bytes are missing.
    public var bytes: [UInt8] { head + tail }

    /// For people and models: invalid UTF-8 becomes U+FFFD, a line says how much is missing.
    public var text: String {
        guard truncated else { return String(decoding: bytes, as: UTF8.self) }
        return String(decoding: head, as: UTF8.self)
            + "\n[… \(totalBytes - head.count - tail.count) bytes left out …]\n"
            + String(decoding: tail, as: UTF8.self)
    }
}

/// Keeps a stream's beginning and end in bounded memory.
struct OutputBuffer {
    private let headLimit: Int
    private let tailLimit: Int
    private var head: [UInt8] = []
    /// A ring once it is full; `tailStart` is its oldest byte.
    private var tail: [UInt8] = []
    private var tailStart = 0
    private(set) var totalBytes = 0

    init(limit: Int) {
        headLimit = limit - limit / 2
        tailLimit = limit / 2
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        totalBytes += bytes.count
        let toHead = min(headLimit - head.count, bytes.count)
        if toHead > 0 { head.append(contentsOf: bytes[..<toHead]) }
        appendTail(UnsafeRawBufferPointer(rebasing: bytes[max(0, toHead)...].suffix(tailLimit)))
    }

    private mutating func appendTail(_ bytes: UnsafeRawBufferPointer) {
        let toGrow = min(tailLimit - tail.count, bytes.count)
        tail.append(contentsOf: bytes[..<toGrow])
        var rest = UnsafeRawBufferPointer(rebasing: bytes[toGrow...])
        while !rest.isEmpty {
            let run = min(rest.count, tailLimit - tailStart)
            tail.withUnsafeMutableBytes { ring in
                UnsafeMutableRawBufferPointer(rebasing: ring[tailStart..<tailStart + run])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<run]))
            }
            tailStart = (tailStart + run) % tailLimit
            rest = UnsafeRawBufferPointer(rebasing: rest[run...])
        }
    }

    var output: CapturedOutput {
        let ordered = Array(tail[tailStart...] + tail[..<tailStart])
        if totalBytes == head.count + tail.count {
            return CapturedOutput(head: head + ordered, totalBytes: totalBytes)
        }
        return CapturedOutput(head: head, tail: ordered, totalBytes: totalBytes)
    }
}
