import JSON
import Models
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct ChatClientTests {
    private let http: HTTPClient
    private let waits = Waits()

    init() throws { http = try HTTPClient() }

    private func client(
        _ url: String, key: String? = nil, change: (inout ChatSettings) -> Void = { _ in }
    ) -> ChatClient {
        var settings = ChatSettings(url: url, model: "test-model", key: key.flatMap(APIKey.init))
        change(&settings)
        let clock = RetryClock(
            now: { 1_700_000_000 }, sleep: { [waits] in waits.add($0) }, random: { 0.5 })
        return ChatClient(settings: settings, http: http, clock: clock)
    }

    private let request: JSONObject = ["messages": [["role": "user", "content": "hi"]]]

    /// One exchange with a server that answers from a script.
    private func exchange(
        _ answers: [ScriptedAnswer], change: (inout ChatSettings) -> Void = { _ in }
    ) async throws -> (ChatExchange, requests: [ScriptedChatServer.Request]) {
        try await ScriptedChatServer.with(answers: answers) { server in
            let client = client(server.url, change: change)
            return (await client.complete(client.body(request)), server.requests)
        }
    }

    @Test func `a request is sent as built, and recorded as sent`() async throws {
        let (exchange, requests) = try await exchange([.says("hello")]) {
            $0.key = APIKey(" sk-test-1234567890\n")
            $0.parameters = ["temperature": 0, "seed": 7]
        }
        let sent = try #require(requests.first)
        #expect(sent.path == "/v1/chat/completions")
        #expect(sent.headers["authorization"] == "Bearer sk-test-1234567890")
        #expect(sent.headers["content-type"] == "application/json")
        #expect(
            sent.json == [
                "model": "test-model", "temperature": 0, "seed": 7, "messages": [["role": "user", "content": "hi"]],
            ])
        #expect(exchange.request.compactBytes == sent.body)
        #expect(exchange.attempts.count == 1)
        #expect(exchange.attempts[0].status == 200)
        #expect(exchange.rawAnswer == ScriptedAnswer.says("hello").body)
        let response = try exchange.result.get()
        #expect(response.content == "hello")
        #expect(response.finishReason == "stop")
        #expect(response.usage?.promptTokens == 11)
    }

    @Test func `what the caller asks goes before the settings`() {
        let client = client("http://127.0.0.1:1/v1") { $0.parameters = ["temperature": 0, "seed": 7] }
        let body = client.body(["temperature": 1, "model": "other"])
        #expect(body == ["model": "other", "temperature": 1, "seed": 7])
    }

    @Test func `too many requests, then an answer`() async throws {
        let limited = ScriptedAnswer.json(status: 429, ["error": ["message": "slow down"]])
        let (exchange, requests) = try await exchange([limited, limited, .says("at last")])
        #expect(try exchange.result.get().content == "at last")
        #expect(requests.count == 3)
        #expect(exchange.attempts.map(\.status) == [429, 429, 200])
        #expect(exchange.attempts[0].error?.contains("slow down") == true)
        #expect(exchange.attempts[0].body == limited.body)
        // Half of 500 ms, half of 1 s: full jitter with chance at one half.
        #expect(waits.all == [.milliseconds(250), .milliseconds(500)])
        #expect(exchange.attempts.map(\.wait) == [.zero, .milliseconds(250), .milliseconds(500)])
    }

    @Test(arguments: [500, 502, 503, 529])
    func `a failing server is tried as often as the policy says`(status: Int) async throws {
        let (exchange, requests) = try await exchange(
            Array(repeating: .text(status: status, "<html>oops</html>"), count: 9)
        ) { $0.retry.maximumAttempts = 3 }
        #expect(requests.count == 3)
        let error = exchange.failure
        #expect(error?.code == .server)
        #expect(error?.status == status)
        #expect(error?.raw == Array("<html>oops</html>".utf8))
        #expect(error?.message.contains("test-model") == true)
        #expect(error?.message.contains("oops") == true)
    }

    @Test(arguments: [400, 401, 403, 404, 413, 422])
    func `a refused request is not sent again`(status: Int) async throws {
        let (exchange, requests) = try await exchange([
            .json(status: status, ["error": ["message": "no such model"]]), .says("never"),
        ])
        #expect(requests.count == 1)
        #expect(exchange.failure?.code == .rejected)
        #expect(exchange.failure?.message.contains("no such model") == true)
        #expect(waits.all.isEmpty)
    }

    @Test(arguments: [
        ("7", Duration.seconds(7)), ("Tue, 14 Nov 2023 22:13:32 GMT", .seconds(12)), ("0", .milliseconds(250)),
        ("Tue, 14 Nov 2000 22:13:32 GMT", .milliseconds(250)), ("soon", .milliseconds(250)), ("-5", .milliseconds(250)),
    ])
    func `the server's Retry-After is honoured`(header: String, wait: Duration) async throws {
        let limited = ScriptedAnswer.text(status: 429, headers: ["Retry-After": header], "")
        let (exchange, _) = try await exchange([limited, .says("ok")])
        #expect(exchange.failure == nil)
        #expect(waits.all == [wait])
    }

    @Test func `a server that asks for too much patience is given up`() async throws {
        let limited = ScriptedAnswer.text(status: 429, headers: ["Retry-After": "86400"], "")
        let (exchange, requests) = try await exchange([limited, .says("never")])
        #expect(exchange.failure?.code == .rateLimited)
        #expect(requests.count == 1)
    }

    @Test func `a broken connection and a timeout are tried again`() async throws {
        // On a busy machine a good answer may come too late as well; then it is asked for again.
        let answers: @Sendable (Int, ScriptedChatServer.Request) -> ScriptedAnswer = { index, _ in
            switch index {
            case 0: .says("cut").cut(after: 20)
            case 1: .says("late").delayed(by: .seconds(60))
            default: .says("ok")
            }
        }
        try await ScriptedChatServer.with(responding: answers) { server in
            let client = client(server.url) {
                $0.timeout = .milliseconds(500)
                $0.retry.maximumAttempts = 50
            }
            let exchange = await client.complete(client.body(request))
            let response = try exchange.result.get()
            #expect(response.content == "ok")
            #expect(exchange.attempts.prefix(2).map(\.status) == [nil, nil])
            #expect(exchange.attempts.count >= 3)
        }
    }

    @Test func `an unreachable endpoint is an error that says where`() async throws {
        let client = client("http://127.0.0.1:1/v1") { $0.retry.maximumAttempts = 2 }
        let exchange = await client.complete(client.body(request))
        #expect(exchange.failure?.code == .connection)
        #expect(exchange.failure?.message.contains("http://127.0.0.1:1/v1/chat/completions") == true)
        #expect(exchange.attempts.count == 2)
        #expect(waits.all.count == 1)
    }

    @Test func `cancelling ends the wait between attempts`() async throws {
        try await ScriptedChatServer.with(responding: { _, _ in .text(status: 503, "busy") }) { server in
            let settings = ChatSettings(url: server.url, model: "m")
            let (sleeps, slept) = AsyncStream.makeStream(of: Void.self)
            let clock = RetryClock(
                now: { 0 },
                sleep: { _ in
                    slept.yield()
                    try await Task.sleep(for: .seconds(3600))
                }, random: { 1 })
            let client = ChatClient(settings: settings, http: http, clock: clock)
            let task = Task { await client.complete(client.body(request)) }
            for await _ in sleeps { break }
            task.cancel()
            let exchange = await task.value
            #expect(exchange.failure?.code == .cancelled)
            #expect(exchange.failure?.status == 503)
        }
    }

    @Test func `the key is in nothing that can be recorded`() async throws {
        let key = "sk-very-secret-0123456789"
        let echo = ScriptedAnswer.json(
            status: 401, ["error": ["message": .string("Incorrect API key provided: \(key)")]])
        try await ScriptedChatServer.with(answers: [.text(status: 500, "key \(key)"), echo]) { server in
            let client = client(server.url, key: key)
            let exchange = await client.complete(client.body(request))
            var dumped = ""
            dump(exchange, to: &dumped)
            dump(client, to: &dumped)
            dumped += "\(client.settings) \(exchange.attempts.map(\.json)) \(String(reflecting: exchange.failure))"
            dumped += String(decoding: exchange.attempts.flatMap(\.body) + (exchange.failure?.raw ?? []), as: UTF8.self)
            #expect(!dumped.contains(key))
            #expect(exchange.failure?.message.contains("Incorrect API key provided: [key]") == true)
        }
    }
}

/// The waits that a client asked for.
private final class Waits: Sendable {
    private let waits = Mutex<[Duration]>([])
    var all: [Duration] { waits.withLock { $0 } }
    func add(_ wait: Duration) { waits.withLock { $0.append(wait) } }
}

extension ChatExchange {
    var failure: ChatError? {
        if case .failure(let error) = result { error } else { nil }
    }
}
