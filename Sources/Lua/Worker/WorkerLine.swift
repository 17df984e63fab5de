import Synchronization

/// A channel with an eye on the time: a worker that has not answered by then is killed.
///
/// One task looks four times a second while there is something to watch, so that a call costs no timer of its own.
final class WorkerLine: Sendable {
    enum Reason: Sendable { case late, cancelled }

    private struct State {
        var deadline: ContinuousClock.Instant?
        var isWatched = false
        var isDead = false
        var reason: Reason?
    }

    let channel: any LuaWorkerChannel
    private let state = Mutex(State())

    init(_ channel: any LuaWorkerChannel) { self.channel = channel }

    var isDead: Bool { state.withLock { $0.isDead } }
    var killedBecause: Reason? { state.withLock { $0.reason } }

    func begin(until deadline: ContinuousClock.Instant) {
        let needsWatch = state.withLock { state in
            state.deadline = deadline
            defer { state.isWatched = true }
            return !state.isWatched
        }
        guard needsWatch else { return }
        Task { [weak self] in
            repeat { try? await Task.sleep(for: .milliseconds(250)) } while self?.look() == true
        }
    }

    func end() { state.withLock { $0.deadline = nil } }

    /// For the first reason of several.
    func kill(because reason: Reason? = nil) {
        let isFirst = state.withLock { state in
            defer { state.isDead = true }
            if !state.isDead { state.reason = reason }
            return !state.isDead
        }
        if isFirst { channel.kill() }
    }

    /// False when there is nothing to watch.
    private func look() -> Bool {
        let isLate: Bool? = state.withLock { state in
            guard let deadline = state.deadline, !state.isDead else {
                state.isWatched = false
                return nil
            }
            return deadline < .now
        }
        if isLate == true { kill(because: .late) }
        return isLate == false
    }
}
