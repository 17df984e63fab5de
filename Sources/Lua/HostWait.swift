import Synchronization

/// The wait for a host function, ended by its answer, the deadline or the cancellation of the task, whichever comes
/// first.
///
/// The function runs in a task of its own: one that does not react to being cancelled is left behind and cannot hold up
/// the caller.
final class HostWait: Sendable {
    enum Outcome: Sendable {
        case answered(Result<LuaValue, LuaHostError>)
        case stopped(LuaError)
    }

    private enum State {
        case waiting(CheckedContinuation<Outcome, Never>?)
        case ended(Outcome)
    }

    private let state = Mutex(State.waiting(nil))

    private static let cancelled = LuaError(.cancelled, "the call was cancelled")

    static func run(
        _ answer: @escaping LuaHostFunction.AsyncAnswer, _ arguments: [LuaValue], deadline: ContinuousClock.Instant?
    ) async -> Outcome {
        // What nobody waits for any more is not begun.
        guard !Task.isCancelled else { return .stopped(cancelled) }
        let wait = HostWait()
        let work = Task { () async in
            do throws(LuaHostError) {
                wait.end(.answered(.success(try await answer(arguments))))
            } catch {
                wait.end(.answered(.failure(error)))
            }
        }
        let timer = deadline.map { deadline in
            Task {
                do { try await Task.sleep(until: deadline, clock: .continuous) } catch { return }
                wait.end(.stopped(LuaError(.limit(.wall), "the time is used up")))
            }
        }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { wait.start($0) }
        } onCancel: {
            wait.end(.stopped(cancelled))
        }
        timer?.cancel()
        work.cancel()
        return outcome
    }

    private func start(_ continuation: CheckedContinuation<Outcome, Never>) {
        let ended: Outcome? = state.withLock { state in
            if case .ended(let outcome) = state { return outcome }
            state = .waiting(continuation)
            return nil
        }
        if let ended { continuation.resume(returning: ended) }
    }

    private func end(_ outcome: Outcome) {
        let continuation: CheckedContinuation<Outcome, Never>? = state.withLock { state in
            guard case .waiting(let continuation) = state else { return nil }
            state = .ended(outcome)
            return continuation
        }
        continuation?.resume(returning: outcome)
    }
}
