import Glibc

/// Runs blocking work on a thread of its own. The cooperative pool has as many threads as the machine has cores; one
/// that waits for a disk is missing everywhere else.
func onOwnThread<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        let job = Job { continuation.resume(returning: work()) }
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(job)
        let status = pthread_create(&thread, nil, runJob, argument.toOpaque())
        guard status == 0 else {
            // No thread to be had: late is better than never.
            argument.release()
            job.run()
            return
        }
        pthread_detach(thread)
    }
}

private final class Job: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func runJob(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().run() }
    return nil
}
