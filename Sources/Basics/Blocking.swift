import Glibc

/// Runs work that may wait, for a disk, a peer, a name server, on a thread of its own.
///
/// The cooperative pool has as many threads as the machine has cores: one that waits is missing everywhere else. Dispatch's
/// pool is bounded too, and work in it that waits for other work in it can take the last thread.
package func blocking<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        let job = Job { continuation.resume(returning: work()) }
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(job)
        guard pthread_create(&thread, nil, runJob, argument.toOpaque()) == 0 else {
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
    blockSignals()
    if let argument { Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().run() }
    return nil
}

/// Signals of the process have no business here, and a broken pipe is an error of the write; faults of the thread itself stay.
private func blockSignals() {
    var signals = sigset_t()
    sigfillset(&signals)
    for fault in [SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSYS] { sigdelset(&signals, fault) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
}
