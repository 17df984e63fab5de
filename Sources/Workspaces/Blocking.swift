import Dispatch

/// Runs a call that may wait on a thread that is not the cooperative pool's, which has only as many as there are cores. A queue of
/// its own gets a thread at once; the global queues share a few, and add one a second when those are waiting.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        DispatchQueue(label: "ise.blocking").async { continuation.resume(returning: body()) }
    }
}
