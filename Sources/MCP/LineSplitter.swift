/// Cuts a stream of bytes into lines. A line that is longer than `limit` is dropped as it comes, so it takes no memory.
struct LineSplitter: Sendable {
    enum Line: Sendable, Hashable {
        case text([UInt8])
        /// Bytes, without the line break.
        case tooLong(Int)
    }

    let limit: Int
    private var pending: [UInt8] = []
    private var dropped = 0

    init(limit: Int) { self.limit = limit }

    mutating func feed(_ bytes: [UInt8]) -> [Line] {
        var lines: [Line] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: 0x0A) {
            take(rest[..<end])
            if let line = close() { lines.append(line) }
            rest = rest[(end + 1)...]
        }
        take(rest)
        return lines
    }

    /// What came after the last line break.
    mutating func finish() -> Line? { close() }

    private mutating func take(_ bytes: ArraySlice<UInt8>) {
        if dropped > 0 || pending.count + bytes.count > limit {
            dropped += pending.count + bytes.count
            pending = []
        } else {
            pending += bytes
        }
    }

    /// Nil for an empty line.
    private mutating func close() -> Line? {
        defer {
            pending = []
            dropped = 0
        }
        if dropped > 0 { return .tooLong(dropped) }
        if pending.last == 0x0D { pending.removeLast() }
        return pending.allSatisfy { $0 == 0x20 || $0 == 0x09 } ? nil : .text(pending)
    }
}
