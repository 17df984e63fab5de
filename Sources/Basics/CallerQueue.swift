import Synchronization

/// Lets in a few callers at a time, in the order of their coming. Who entered must leave.
package final class CallerQueue: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    /// - Parameter places: callers that may be inside at once.
    package init(places: Int = 1) { state = Mutex(State(free: places)) }

    /// Returns when there is a place, on the caller's own actor.
    package func enter(isolation: isolated (any Actor)? = #isolation) async {
        if takePlace() { return }
        await withCheckedContinuation { continuation in
            let isIn = state.withLock { state in
                guard state.free == 0 else {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isIn { continuation.resume() }
        }
    }

    package func leave() {
        let next: CheckedContinuation<Void, Never>? = state.withLock { state in
            // Whoever waits takes over the place.
            if !state.waiting.isEmpty { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }

    private func takePlace() -> Bool {
        state.withLock { state in
            guard state.free > 0 else { return false }
            state.free -= 1
            return true
        }
    }
}
