import Synchronization
import Workspaces

/// The jobs of one trajectory, by ids that its plugins share: one starts a job, another looks after it.
public final class JobTable: Sendable {
    /// What the table knows of a job.
    public struct Entry: Sendable {
        public let id: String
        public let job: any JobAccess
        /// Whether its end has been told to the record.
        fileprivate var isTold = false
    }

    private struct State {
        var entries: [Entry] = []
        var started = 0
    }

    /// Jobs that may run at once.
    public static let limit = 32

    private let state = Mutex(State())

    public init() {}

    /// Gives the job an id: "job-1" for the first one.
    func add(_ job: any JobAccess) -> String {
        state.withLock { state in
            state.started += 1
            let id = "job-\(state.started)"
            state.entries.append(Entry(id: id, job: job))
            return id
        }
    }

    subscript(id: String) -> (any JobAccess)? { state.withLock { $0.entries.first { $0.id == id }?.job } }

    /// In the order of their start.
    public var entries: [Entry] { state.withLock { $0.entries } }

    var running: Int { entries.count { $0.job.result == nil } }

    /// Forgets a job.
    func remove(_ id: String) { state.withLock { $0.entries.removeAll { $0.id == id } } }

    /// The jobs that have ended and whose end was not handed out before.
    public func takeEnded() -> [(id: String, job: any JobAccess, result: ExecResult)] {
        state.withLock { state in
            var ended: [(id: String, job: any JobAccess, result: ExecResult)] = []
            for index in state.entries.indices where !state.entries[index].isTold {
                guard let result = state.entries[index].job.result else { continue }
                state.entries[index].isTold = true
                ended.append((state.entries[index].id, state.entries[index].job, result))
            }
            return ended
        }
    }
}
