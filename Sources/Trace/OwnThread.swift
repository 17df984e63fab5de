import Glibc

/// Runs blocking work on a thread of its own. The cooperative pool has as many threads as the machine has cores; one that waits
/// for a disk is missing everywhere else.
func onOwnThread<Value: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
        let job = Job {
            do throws(Failure) {
                continuation.resume(returning: .success(try work()))
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
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
    return try result.get()
}

private final class Job: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func runJob(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().run() }
    return nil
}
