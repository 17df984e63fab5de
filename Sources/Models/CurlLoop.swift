import CurlShim
import Glibc
import Synchronization

/// The thread that owns all of libcurl's handles. Other threads only leave jobs and wake it.
final class CurlLoop: Sendable {
    private let inbox: Mutex<Inbox>

    private struct Inbox {
        var jobs: [HTTPJob] = []
        var isStopping = false
        /// Nil once the thread is done with it. Sent between threads, used by one: `curl_multi_wakeup` is the
        /// exception, and made for it.
        nonisolated(unsafe) var multi: UnsafeMutableRawPointer?
    }

    /// libcurl's own preparations, once in a process.
    private static let isInitialized = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    private init(multi: UnsafeMutableRawPointer) {
        inbox = Mutex(Inbox(multi: multi))
    }

    static func start() throws(HTTPError) -> CurlLoop {
        guard isInitialized, let multi = curl_multi_init() else {
            throw HTTPError(code: .other, message: "libcurl cannot be initialized", url: "")
        }
        let loop = CurlLoop(multi: multi)
        let argument = Unmanaged.passRetained(loop)
        var thread = pthread_t()
        let status = pthread_create(&thread, nil, runCurlLoop, argument.toOpaque())
        guard status == 0 else {
            argument.release()
            curl_multi_cleanup(multi)
            throw HTTPError(
                code: .other, message: "cannot start a thread: \(String(cString: strerror(status)))", url: "")
        }
        pthread_detach(thread)
        return loop
    }

    func submit(_ job: HTTPJob) {
        let isTaken = inbox.withLock { inbox in
            guard !inbox.isStopping else { return false }
            inbox.jobs.append(job)
            return true
        }
        if isTaken { wake() } else { job.refuse(.cancelled, "the client has been closed") }
    }

    func stop() {
        inbox.withLock { $0.isStopping = true }
        wake()
    }

    func wake() {
        inbox.withLock { inbox in
            if let multi = inbox.multi { _ = curl_multi_wakeup(multi) }
        }
    }

    /// The thread's body: until `stop`.
    fileprivate func run() {
        guard let multi = inbox.withLock({ $0.multi }) else { return }
        // OpenSSL raises SIGPIPE on broken connections, and no signal of the process has business here.
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var transfers: [UnsafeMutableRawPointer: CurlTransfer] = [:]
        while true {
            let (jobs, isStopping) = inbox.withLock { inbox in
                defer { inbox.jobs = [] }
                return (inbox.jobs, inbox.isStopping)
            }
            for job in jobs {
                guard let transfer = CurlTransfer.begin(job) else { continue }
                curl_multi_add_handle(multi, transfer.easy)
                transfers[transfer.easy] = transfer
            }
            if isStopping { break }
            perform(multi, &transfers)
            if inbox.withLock({ $0.jobs.isEmpty && !$0.isStopping }) { curl_multi_poll(multi, nil, 0, 60_000, nil) }
        }
        for transfer in transfers.values {
            curl_multi_remove_handle(multi, transfer.easy)
            transfer.job.refuse(.cancelled, "the client has been closed")
        }
        inbox.withLock { $0.multi = nil }
        curl_multi_cleanup(multi)
    }

    private func perform(
        _ multi: UnsafeMutableRawPointer, _ transfers: inout [UnsafeMutableRawPointer: CurlTransfer]
    ) {
        for transfer in transfers.values where transfer.job.isCancelled.isRaised {
            transfers[transfer.easy] = nil
            curl_multi_remove_handle(multi, transfer.easy)
            transfer.job.refuse(.cancelled, "the request was cancelled")
        }
        var running: CInt = 0
        curl_multi_perform(multi, &running)
        var easy: UnsafeMutableRawPointer?
        var result = CURLE_OK
        while curl_shim_next_finished(multi, &easy, &result) {
            guard let easy, let transfer = transfers.removeValue(forKey: easy) else { continue }
            curl_multi_remove_handle(multi, easy)
            transfer.end(result)
        }
    }
}

private func runCurlLoop(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { Unmanaged<CurlLoop>.fromOpaque(argument).takeRetainedValue().run() }
    return nil
}

extension HTTPJob {
    func refuse(_ code: HTTPError.Code, _ message: String) {
        continuation.resume(returning: .failure(HTTPError(code: code, message: message, url: request.publicURL)))
    }
}
