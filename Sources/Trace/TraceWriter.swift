import Basics
import JSON
import Synchronization

/// Writes one trace: `<id>.jsonl.part` while it grows, `<id>.jsonl` once it is whole and on the disk.
///
/// Events are numbered and chained in the order of the calls to `append`, which may come from any thread. What
/// `append` took is in the kernel's hands after the next checkpoint event at the latest, so it survives the death of
/// the process.
public final class TraceWriter: Sendable {
    public let id: String
    /// Where the finished trace will be.
    public let path: String

    private let store: ContentStore
    private let redactor: Redactor
    private let directory: String
    private let now: @Sendable () -> Timestamp
    private let file: PartialFile
    private let state: Mutex<TraceWriterState>

    /// What to do with a `.part` file that a killed run has left.
    public enum ExistingPartial: Sendable { case refuse, replace }

    /// Creates `<directory>/<id>.jsonl.part`, and the directory when it is missing.
    ///
    /// - Parameters:
    ///   - id: becomes a file's name: letters, digits, `-`, `_`, `.`; not starting with a dot; at most 200 characters.
    ///   - now: the clock of the events' times.
    /// - Throws: `.exists` when there is a finished trace, or a partial one and `existing` is `.refuse`; `.busy` when
    ///   another writer has it open; `.invalidName`; and what the file system says.
    public init(
        id: String, in directory: String, store: ContentStore, redactor: Redactor = Redactor(),
        existing: ExistingPartial = .refuse, now: @escaping @Sendable () -> Timestamp = { .now() }
    ) throws(TraceError) {
        guard Self.isValid(id: id) else {
            throw TraceError(
                .invalidName, cannot: "create a trace for the trajectory", path: id.debugDescription,
                reason: "an id has letters, digits, '-', '_' and '.', does not start with a dot and is at most 200 long"
            )
        }
        self.id = id
        self.store = store
        self.redactor = redactor
        self.directory = directory
        self.now = now
        file = try PartialFile.create(id: id, in: directory, existing: existing)
        path = file.finalPath
        state = Mutex(TraceWriterState(encoder: EventEncoder(store: store, redactor: redactor), now: now))
    }

    deinit { try? flush() }

    /// A trace of something that belongs to this one, beside it and in the same store. A partial one that an earlier
    /// attempt left is replaced.
    ///
    /// - Throws: as `init`.
    public func sibling(id: String) throws(TraceError) -> TraceWriter {
        try TraceWriter(
            id: id, in: directory, store: store, redactor: redactor, existing: .replace, now: now)
    }

    /// Whether `id` can name a trace: it becomes part of a path, so nothing that could lead elsewhere.
    public static func isValid(id: String) -> Bool {
        !id.isEmpty && id.utf8.count <= 200 && !id.hasPrefix(".")
            && id.utf8.allSatisfy { $0.isWord || "-_.".utf8.contains($0) }
    }

    /// Takes the event and returns its number.
    ///
    /// - Throws: `.invalidEvent`, `.tooBig` and `.finished`, or a blob's error: the event was not taken. `.noSpace`
    ///   and the other errors of the trace's own file: the bytes are kept and the next call tries again; as long as
    ///   that fails, events are refused, so that what is kept stays small.
    @discardableResult
    public func append(_ event: TraceEvent) throws(TraceError) -> Int {
        try state.withLock { state throws(TraceError) in try state.append(event, to: file.file) }
    }

    /// Hands everything to the kernel.
    public func flush() throws(TraceError) {
        try state.withLock { state throws(TraceError) in try state.flush(to: file.file) }
    }

    /// The number of events taken so far.
    public var eventCount: Int { state.withLock { $0.sequence } }

    /// Ends the trace: answers calls that have no result with a synthesized failed one, writes the `end` event, waits
    /// until everything is on the disk, and gives the file its final name.
    ///
    /// After an error the `.part` file stays and `finish` may be called again.
    public func finish(outcome: String) async throws(TraceError) -> TraceReceipt {
        let (receipt, blobs) = try end(outcome: outcome)
        try await blocking { self.publish(blobs) }.get()
        return receipt
    }

    private func end(outcome: String) throws(TraceError) -> (TraceReceipt, blobs: Set<ContentHash>) {
        try state.withLock { state throws(TraceError) in try state.end(outcome: outcome, in: file) }
    }

    private func publish(_ blobs: Set<ContentHash>) -> Result<Void, TraceError> {
        do throws(TraceError) {
            // Blobs first: a trace that is there must find what it refers to.
            try store.sync(blobs)
            try file.publish()
            return .success(())
        } catch {
            state.withLock { $0.publishingFailed() }
            return .failure(error)
        }
    }
}

/// What a finished trace amounts to.
public struct TraceReceipt: Sendable, Hashable {
    public var path: String
    /// The number of lines, the `end` event included.
    public var events: Int
    /// Vouches for the whole file: the `self` hash of the `end` event.
    public var digest: ContentHash
    /// How often each kind of secret was taken out.
    public var redactions: [String: Int]
    /// The number of calls that no one had answered.
    public var synthesizedResults: Int
}
