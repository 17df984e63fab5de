import Glibc

/// The lines of a file, one at a time, in memory that does not grow with the file.
struct LineReader: ~Copyable {
    private let file: File
    private var buffer: [UInt8] = []
    /// Where in `buffer` the next line starts.
    private var start = 0
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

    private static let chunkBytes = 256 << 10

    init(path: String) throws(TraceError) {
        file = try File(opening: path, flags: O_RDONLY, to: "read the trace")
    }

    /// Nil at the end of the file.
    mutating func next() throws(TraceError) -> Line? {
        var searched = start
        while true {
            if let newline = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                return take(upTo: newline, isTerminated: true)
            }
            if reachedEnd { return start < buffer.count ? take(upTo: buffer.count, isTerminated: false) : nil }
            guard buffer.count - start <= TraceFormat.maximumLineBytes else {
                throw TraceError(
                    .tooBig, cannot: "read the trace", path: file.path,
                    reason: "line \(lineCount + 1) is longer than \(TraceFormat.maximumLineBytes) bytes")
            }
            buffer.removeFirst(start)
            start = 0
            searched = buffer.count
            try fill()
        }
    }

    private mutating func take(upTo end: Int, isTerminated: Bool) -> Line {
        defer { start = isTerminated ? end + 1 : end }
        lineCount += 1
        return Line(number: lineCount, bytes: Array(buffer[start..<end]), isTerminated: isTerminated)
    }

    private mutating func fill() throws(TraceError) {
        let used = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: Self.chunkBytes))
        var failure: TraceError?
        let count = buffer.withUnsafeMutableBytes { bytes in
            do throws(TraceError) {
                return try file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[used...]))
            } catch {
                failure = error
                return 0
            }
        }
        buffer.removeLast(Self.chunkBytes - count)
        if let failure { throw failure }
        reachedEnd = count == 0
    }
}
