/// Reads a trace event by event, also one that is still being written or whose writer died.
public struct TraceReader: ~Copyable {
    public let path: String
    private var lines: LineReader
    private var hasEnd = false
    /// What the file ended with; known once `next` has returned nil.
    public private(set) var tail = Tail.unread

    public enum Tail: Sendable, Equatable {
        case unread
        /// The `end` event was the last.
        case complete
        /// The last event is whole, but it is no `end`.
        case unfinished
        /// The last line was cut off and has been dropped.
        case torn(bytes: Int)
    }

    /// - Throws: `.notFound` and what else the file system says.
    public init(path: String) throws(TraceError) {
        self.path = path
        lines = try LineReader(path: path)
    }

    /// The next event; nil at the end.
    ///
    /// It trusts the chain: whether a trace is intact is for `TraceVerifier` to say.
    /// - Throws: `.corrupt` for a line that is no event, unless it is the last: that one was torn when the writer died.
    public mutating func next() throws(TraceError) -> TraceRecord? {
        guard let line = try lines.next() else {
            if tail == .unread { tail = hasEnd ? .complete : .unfinished }
            return nil
        }
        do throws(TraceRecord.Malformed) {
            guard line.isTerminated else { throw TraceRecord.Malformed(reason: "it is cut off") }
            let record = try TraceRecord(line: line.number, bytes: line.bytes)
            hasEnd = record.kind == .end
            return record
        } catch {
            guard try lines.next() == nil else {
                throw TraceError(
                    .corrupt, cannot: "read the trace", path: path, reason: "line \(line.number): \(error.reason)")
            }
            tail = .torn(bytes: line.bytes.count)
            return nil
        }
    }
}
