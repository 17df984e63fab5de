import FlyingFox
import FlyingSocks
import Foundation
import enum JSON.JSONValue  // FlyingFox has one too
import Synchronization

/// A real HTTP server on 127.0.0.1 that answers from a script and remembers what it was asked.
public final class ScriptedChatServer: Sendable {
    /// What came in.
    public struct Request: Sendable {
        public var method: String
        public var path: String
        /// By lower-case name.
        public var headers: [String: String]
        public var body: [UInt8]

        public var json: JSONValue? { try? JSONValue(parsing: body) }
    }

    /// Base URL as the clients take it: `http://127.0.0.1:PORT/v1`.
    public let url: String

    private let server: HTTPServer
    private let running: Task<Void, any Error>
    private let log: RequestLog

    /// What came in so far, oldest first.
    public var requests: [Request] { log.requests.withLock { $0 } }

    /// Runs `body` against a server that gives the answers in their order. Asked for more, it answers 418, which no
    /// client retries.
    public static func with<Result>(
        answers: [ScriptedAnswer], _ body: (ScriptedChatServer) async throws -> Result
    ) async throws -> Result {
        try await with(
            responding: { index, _ in
                index < answers.count
                    ? answers[index] : .text(status: 418, "the script has only \(answers.count) answers")
            }, body)
    }

    /// Runs `body` against a server that asks `respond` for each answer; the first request has index 0.
    public static func with<Result>(
        responding respond: @escaping @Sendable (_ index: Int, Request) async -> ScriptedAnswer,
        _ body: (ScriptedChatServer) async throws -> Result
    ) async throws -> Result {
        let server = try await ScriptedChatServer(respond)
        do {
            let result = try await body(server)
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }

    /// Prefer `with`, which stops the server whatever happens.
    public init(_ respond: @escaping @Sendable (_ index: Int, Request) async -> ScriptedAnswer) async throws {
        let log = RequestLog()
        let configuration = HTTPServer.Configuration(
            address: try .inet(ip4: "127.0.0.1", port: 0), timeout: 600, logger: .disabled)
        let server = HTTPServer(config: configuration)
        await server.appendRoute("*") { request in
            let request = try await Request(request)
            let answer = await respond(log.append(request), request)
            if answer.delay > .zero { try await Task.sleep(for: answer.delay) }
            return answer.httpResponse
        }
        self.log = log
        self.server = server
        running = Task { try await server.run() }
        try await server.waitUntilListening(timeout: 60)
        guard case .ip4(_, let port) = await server.listeningAddress else {
            throw SystemFailure(doing: "listen on 127.0.0.1", errno: EADDRNOTAVAIL)
        }
        url = "http://127.0.0.1:\(port)/v1"
    }

    /// Ends all connections and returns when the server is gone.
    public func stop() async {
        await server.stop()
        running.cancel()
        _ = await running.result
    }
}

private final class RequestLog: Sendable {
    let requests = Mutex<[ScriptedChatServer.Request]>([])

    /// The request's index.
    func append(_ request: ScriptedChatServer.Request) -> Int {
        requests.withLock {
            $0.append(request)
            return $0.count - 1
        }
    }
}

extension ScriptedChatServer.Request {
    fileprivate init(_ request: HTTPRequest) async throws {
        method = request.method.rawValue
        path = request.path
        headers = [:]
        for (header, value) in request.headers { headers[header.rawValue.lowercased()] = value }
        body = Array(try await request.bodyData)
    }
}
