import JSON
import Synchronization

/// What comes into a dialogue from outside of it, until the agent gets to read it: between two of its steps.
final class Mailbox: Sendable {
    struct Message: Sendable {
        /// `session`, `schedule` or `steer`.
        var source: String
        var text: String
        var facts: JSONObject = [:]
    }

    private struct State {
        var messages: [Message] = []
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())

    func post(_ message: Message) {
        let waiters = state.withLock { state in
            state.messages.append(message)
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    var isEmpty: Bool { state.withLock { $0.messages.isEmpty } }

    func take() -> [Message] {
        state.withLock { state in
            defer { state.messages = [] }
            return state.messages
        }
    }

    func takeOne() -> Message? { state.withLock { $0.messages.isEmpty ? nil : $0.messages.removeFirst() } }

    /// Returns when there is a message, or when the task is cancelled.
    func wait() async {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    if !state.messages.isEmpty || Task.isCancelled { return true }
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
