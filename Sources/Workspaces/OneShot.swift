import Synchronization

/// A value that is set once and may be waited for, before or after, by any number of tasks.
final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case waiting([CheckedContinuation<Value, Never>])
        case set(Value)
    }
    private let state = Mutex(State.waiting([]))

    /// Later values are ignored.
    func set(_ value: Value) {
        let waiters = state.withLock { state -> [CheckedContinuation<Value, Never>] in
            guard case .waiting(let waiters) = state else { return [] }
            state = .set(value)
            return waiters
        }
        for waiter in waiters { waiter.resume(returning: value) }
    }

    var value: Value {
        get async {
            await withCheckedContinuation { continuation in
                let value = state.withLock { state -> Value? in
                    switch state {
                    case .set(let value): return value
                    case .waiting(let waiters):
                        state = .waiting(waiters + [continuation])
                        return nil
                    }
                }
                if let value { continuation.resume(returning: value) }
            }
        }
    }

    /// As `value`, but ends with nil when the task is cancelled.
    var valueUnlessCancelled: Value? {
        get async {
            let either = OneShot<Value?>()
            let relay = Task { either.set(await value) }
            defer { relay.cancel() }
            return await withTaskCancellationHandler {
                await either.value
            } onCancel: {
                either.set(nil)
            }
        }
    }

    var valueIfSet: Value? {
        state.withLock { if case .set(let value) = $0 { value } else { nil } }
    }
}
