public enum StandardStream: Sendable { case stdout, stderr }

/// The output of a running command, piece by piece. What is not asked for stays in the command's pipe, which holds 64 KiB; when that
/// is full, the command waits. Ends when the command does: what something that it left running writes later is in `Job.stdout`.
public struct OutputChunks: AsyncSequence, Sendable {
    let stream: OutputStream

    public struct Iterator: AsyncIteratorProtocol {
        let stream: OutputStream
        public mutating func next() async -> [UInt8]? { await stream.next() }
    }

    public func makeAsyncIterator() -> Iterator { Iterator(stream: stream) }

    /// Wants no more: the command's next write fails, or ends it with SIGPIPE.
    public func stop() { stream.close() }
}
