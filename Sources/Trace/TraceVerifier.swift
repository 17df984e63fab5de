/// Checks that a trace is what its writer wrote: every line, their order and number, and the blobs they refer to.
///
/// A flipped byte, a dropped, moved or repeated line, a cut or grown tail are all found, and the line is named.
/// Someone who rewrites the whole file with a new chain is found by the digest that the writer's receipt had, kept
/// elsewhere.
public struct TraceVerifier: Sendable {
    /// Without a store, blobs are not looked at.
    public var store: ContentStore?

    /// More are counted as one: a file that is no trace has as many problems as lines.
    public static let maximumProblems = 100

    public init(store: ContentStore?) { self.store = store }

    /// - Parameter digest: what the writer's receipt said, where that is known.
    /// - Throws: when the file cannot be read at all.
    public func verify(_ path: String, expecting digest: ContentHash? = nil) throws(TraceError) -> TraceVerification {
        var lines = try LineReader(path: path)
        var check = TraceCheck(path: path, store: store)
        do throws(TraceError) {
            while check.wantsMore, let line = try lines.next() { check.take(line) }
        } catch  where error.code == .tooBig {
            check.report(.unparsable, check.lineCount + 1, error.reason)
        }
        check.close(expecting: digest)
        return check.result
    }
}
