import JSON
import Synchronization

/// One dialogue of a trajectory: the main one, or one that an agent has started below another.
final class Session: Sendable {
    enum Phase: String, Sendable {
        case running
        /// It has answered and takes further messages.
        case idle
        case ended
    }

    /// `main`, `sub-1`, `sub-1.1`.
    let id: String
    let label: String?
    let task: String
    let parent: Session?
    let started: Double
    /// It goes on after its first answer.
    let keeps: Bool
    /// What it is to read.
    let mailbox = Mailbox()

    struct State {
        var phase = Phase.running
        var ending: Ending?
        var replies: [String] = []
        var messages: [JSONValue] = []
        var counts = TrajectoryResult.Counts()
        var updated: Double
        var work: Task<Void, Never>?
        var isStopped = false
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
    }

    private let state: Mutex<State>

    init(id: String, label: String? = nil, task: String, parent: Session?, keeps: Bool = false, now: Double) {
        self.id = id
        self.label = label
        self.task = task
        self.parent = parent
        self.keeps = keeps
        started = now
        state = Mutex(State(updated: now))
    }

    var depth: Int { parent.map { $0.depth + 1 } ?? 0 }
    var phase: Phase { state.withLock { $0.phase } }
    var ending: Ending? { state.withLock { $0.ending } }
    var replies: [String] { state.withLock { $0.replies } }
    var messages: [JSONValue] { state.withLock { $0.messages } }
    var counts: TrajectoryResult.Counts { state.withLock { $0.counts } }
    var updated: Double { state.withLock { $0.updated } }

    // MARK: Told by its dialogue

    func note(_ messages: [JSONValue], _ counts: TrajectoryResult.Counts, now: Double) {
        state.withLock { state in
            state.messages = messages
            state.counts = counts
            state.updated = now
        }
    }

    func goOn() { state.withLock { $0.phase = .running } }

    func answered(_ reply: String, now: Double) {
        wake { state in
            state.replies.append(reply)
            state.phase = .idle
            state.updated = now
        }
    }

    func end(_ ending: Ending, now: Double) {
        wake { state in
            state.phase = .ended
            state.ending = state.ending ?? ending
            state.updated = now
        }
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    // MARK: Its work

    /// One that was stopped before it began ends at once.
    func begin(_ work: Task<Void, Never>) {
        let isStopped = state.withLock { state in
            state.work = work
            return state.isStopped
        }
        if isStopped { work.cancel() }
    }

    /// Ends it and waits until it has ended.
    func stop() async {
        let work = state.withLock { state in
            state.isStopped = true
            return state.work
        }
        work?.cancel()
        await work?.value
    }

    /// Waits until it has given more than `count` replies, has ended, or the time is over.
    func waitForReply(after count: Int, atMost limit: Duration) async {
        let end = ContinuousClock.now + limit
        // Until that very moment: woken a little earlier, the loop below would wait once more, and nobody would wake it.
        let timer = Task { [weak self] in
            try? await Task.sleep(until: end, clock: .continuous)
            self?.wake { _ in }
        }
        while !Task.isCancelled, ContinuousClock.now < end {
            if state.withLock({ $0.replies.count > count || $0.phase == .ended }) { break }
            await nextChange(unlessRepliesExceed: count)
        }
        timer.cancel()
    }

    private func nextChange(unlessRepliesExceed count: Int) async {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    if state.replies.count > count || state.phase == .ended || Task.isCancelled { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }
}

/// All dialogues of one trajectory.
final class SessionTree: Sendable {
    let main: Session
    let limits: SessionLimits
    let now: @Sendable () -> Double
    private let below = Mutex<[Session]>([])

    init(limits: SessionLimits, task: String, now: @escaping @Sendable () -> Double) {
        self.limits = limits
        self.now = now
        main = Session(id: "main", task: task, parent: nil, now: now())
    }

    var sessions: [Session] { [main] + below.withLock { $0 } }

    /// Those that `session` has started itself.
    func children(of session: Session) -> [Session] { below.withLock { $0.filter { $0.parent === session } } }

    /// Makes room for another one; nil with the reason when there is none.
    func add(
        below parent: Session, label: String?, task: String, keeps: Bool
    ) -> Result<Session, SessionRefusal> {
        guard parent.depth < limits.depth else {
            return .failure(SessionRefusal(reason: "a session at depth \(parent.depth) may not start others"))
        }
        return below.withLock { below in
            guard below.count < limits.count else {
                return .failure(SessionRefusal(reason: "\(limits.count) sessions were started already"))
            }
            guard below.count(where: { $0.phase == .running }) < limits.atOnce else {
                return .failure(
                    SessionRefusal(reason: "\(limits.atOnce) sessions are running already; wait for one of them to end")
                )
            }
            let number = below.count { $0.parent === parent } + 1
            let id = parent === main ? "sub-\(number)" : "\(parent.id).\(number)"
            let session = Session(id: id, label: label, task: task, parent: parent, keeps: keeps, now: now())
            below.append(session)
            return .success(session)
        }
    }

    /// Ends every session below `session`, the deepest first.
    func stopAll(below session: Session) async {
        for child in children(of: session).reversed() {
            await stopAll(below: child)
            await child.stop()
        }
    }

    /// Tokens that all sessions below `session` have used.
    func tokens(below session: Session) -> Int {
        children(of: session).reduce(0) { $0 + $1.counts.agentTokens + tokens(below: $1) }
    }
}

struct SessionRefusal: Error { var reason: String }
