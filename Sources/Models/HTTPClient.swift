import CurlShim
import Glibc
import Synchronization

/// Sends HTTP requests: libcurl's multi interface on one thread of its own, however many requests are under way.
///
/// Connections are kept and used again. Redirects are not followed. Proxies come from the environment, as libcurl
/// reads it, but never for the loopback.
public final class HTTPClient: Sendable {
    private let loop: CurlLoop

    /// Starts the thread; it ends with the client.
    public init() throws(HTTPError) {
        loop = try CurlLoop.start()
    }

    deinit { loop.stop() }

    /// Sends the request and waits for the whole answer, whatever its status. Cancelling the task ends the transfer.
    public func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let isCancelled = Flag()
        let result: Result<HTTPResponse, HTTPError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.submit(HTTPJob(request: request, isCancelled: isCancelled, continuation: continuation))
            }
        } onCancel: {
            isCancelled.raise()
            loop.wake()
        }
        return try result.get()
    }
}

/// Raised once, from any thread.
final class Flag: Sendable {
    private let value = Atomic(false)
    var isRaised: Bool { value.load(ordering: .acquiring) }
    func raise() { value.store(true, ordering: .releasing) }
}

/// A request on its way to the thread.
struct HTTPJob: Sendable {
    var request: HTTPRequest
    var isCancelled: Flag
    var continuation: CheckedContinuation<Result<HTTPResponse, HTTPError>, Never>
}
