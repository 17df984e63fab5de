import Glibc

/// The lines of a file, one at a time, in memory that does not grow with the file.
struct LineReader: ~Copyable {
    private let file: File
    private let chunk: UnsafeMutableRawBufferPointer
    /// What of `chunk` has been read from the file and not been handed out.
    private var unread = 0..<0
    private var reachedEnd = false
    private var lineCount = 0

    struct Line {
        /// From 1.
        var number: Int
        /// Without the newline.
        var bytes: [UInt8]
        /// Whether a newline ended it: only the last line of a file may lack one.
        var isTerminated: Bool
    }

    init(path: String) throws(TraceError) {
        file = try File(opening: path, flags: O_RDONLY, to: "read the trace")
        chunk = .allocate(byteCount: 64 << 10, alignment: 16)
    }

    deinit { chunk.deallocate() }

    /// Nil at the end of the file.
    mutating func next() throws(TraceError) -> Line? {
        var bytes: [UInt8] = []
        while true {
            if unread.isEmpty { try fill() }
            if reachedEnd { return bytes.isEmpty ? nil : line(bytes, isTerminated: false) }
            let available = UnsafeRawBufferPointer(rebasing: chunk[unread])
            if let newline = Self.newline(in: available) {
                bytes.append(
                    contentsOf: UnsafeRawBufferPointer(rebasing: available[..<newline]).bindMemory(to: UInt8.self))
                unread = (unread.lowerBound + newline + 1)..<unread.upperBound
                return line(bytes, isTerminated: true)
            }
            bytes.append(contentsOf: available.bindMemory(to: UInt8.self))
            unread = 0..<0
            guard bytes.count <= TraceFormat.maximumLineBytes else {
                throw TraceError(
                    .tooBig, cannot: "read the trace", path: file.path,
                    reason: "line \(lineCount + 1) is longer than \(TraceFormat.maximumLineBytes) bytes")
            }
        }
    }

    private mutating func line(_ bytes: [UInt8], isTerminated: Bool) -> Line {
        lineCount += 1
        return Line(number: lineCount, bytes: bytes, isTerminated: isTerminated)
    }

    private mutating func fill() throws(TraceError) {
        let count = try file.read(into: chunk)
        unread = 0..<count
        reachedEnd = count == 0
    }

    private static func newline(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress, let hit = memchr(base, 0x0A, bytes.count) else { return nil }
        return UnsafeRawPointer(hit) - base
    }
}
