import Dispatch

/// Runs a call that may wait on a thread that is not the cooperative pool's, which has only as many as there are cores.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(returning: body()) }
    }
}
