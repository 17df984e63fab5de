import Dialogue
import JSON
import Synchronization
import Workspaces

/// The client's side of a session with a foreign server that runs as a job of a workspace. The server is not trusted: it may
/// die, hang, flood or write what it likes; whoever waits for an answer gets an error then.
actor MCPClient {
    /// Gets level and text.
    typealias Log = @Sendable (_ level: String, _ text: String) -> Void
    private typealias Answer = Result<JSONValue, ToolError>

    private let job: Job
    private let log: LimitedLog
    private var pending: [Int: CheckedContinuation<Answer, Never>] = [:]
    private var lastID = 0
    /// Why there will be no more answers.
    private var end: ToolError?
    /// What it wrote last to standard error.
    private var lastWords = ""
    private var useless = 0
    private var unasked = 0

    /// Bytes of one message of the server.
    static let longestMessage = 16 << 20
    private static let longestWord = 2000
    /// Lines that are no message, and messages that nobody asked for. Who writes more is no server, or means harm.
    private static let mostUseless = 1000
    private static let mostUnasked = 100_000
    /// Bytes on standard error after which the server is made to wait.
    private static let muchTalk = 4 << 20
    private static let mostPages = 100
    private static let mostTools = 1000

    /// - Parameter job: with `keepsInput` and `streamsOutput`.
    init(_ job: Job, log: @escaping Log) {
        self.job = job
        self.log = LimitedLog(log)
    }

    /// Listens from now on, until the job's end.
    nonisolated func listen() {
        Task {
            var splitter = LineSplitter(limit: Self.longestMessage)
            for await chunk in job.chunks(of: .stdout) {
                await receive(splitter.feed(chunk))
                await Task.yield()  // a flood must leave room for others
            }
            await finish()
        }
        Task {
            var splitter = LineSplitter(limit: 8 << 10)
            var bytes = 0
            for await chunk in job.chunks(of: .stderr) {
                await note(splitter.feed(chunk))
                bytes += chunk.count
                if bytes > Self.muchTalk { try? await Task.sleep(for: .milliseconds(10)) } else { await Task.yield() }
            }
            if let rest = splitter.finish() { await note([rest]) }
        }
    }

    // MARK: Requests

    /// Agrees on a version. Returns what the server says of itself.
    func initialize(timeout: Duration, version: String = "1") async throws(ToolError) -> JSONValue {
        let params: JSONValue = [
            "protocolVersion": .string(ProtocolVersion.latest.rawValue), "capabilities": [:],
            "clientInfo": ["name": "ise", "version": .string(version)],
        ]
        let result = try await request("initialize", params, timeout: timeout)
        let agreed = result["protocolVersion"]?.string ?? "none"
        guard ProtocolVersion(rawValue: agreed) != nil else {
            throw .mcp("protocol", "it speaks the protocol version \(agreed.head), which ISE doesn't")
        }
        send(RPC.notification("notifications/initialized"))
        return result
    }

    /// All of its tools, page by page.
    func tools(timeout: Duration) async throws(ToolError) -> [JSONValue] {
        var tools: [JSONValue] = []
        var cursor: String?
        for _ in 0..<Self.mostPages {
            let params: JSONValue = cursor.map { ["cursor": .string($0)] } ?? [:]
            let result = try await request("tools/list", params, timeout: timeout)
            guard let page = result["tools"]?.array else { throw .mcp("protocol", "its list of tools is none") }
            tools += page
            let next = result["nextCursor"]?.string
            guard let next, next != cursor, tools.count < Self.mostTools else { break }
            cursor = next
        }
        return Array(tools.prefix(Self.mostTools))
    }

    /// Calls a tool. When the time is over, or the task is cancelled, the server is told that nobody waits any more.
    func call(_ tool: String, _ arguments: JSONValue, timeout: Duration) async throws(ToolError) -> JSONValue {
        try await request("tools/call", ["name": .string(tool), "arguments": arguments], timeout: timeout)
    }

    private func request(
        _ method: String, _ params: JSONValue, timeout: Duration
    ) async throws(ToolError) -> JSONValue {
        if let end { throw end }
        lastID += 1
        let id = lastID
        let timer = Task {
            try? await Task.sleep(for: timeout)
            if !Task.isCancelled {
                self.giveUp(id, .mcp("timeout", "it has not answered `\(method)` within \(timeout)"), "timeout")
            }
        }
        defer { timer.cancel() }
        let answer: Answer = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Answer, Never>) in
                guard !Task.isCancelled else { return continuation.resume(returning: .failure(.cancelledCall)) }
                pending[id] = continuation
                send(RPC.request(.number(id), method, params))
            }
        } onCancel: {
            Task { await self.giveUp(id, .cancelledCall, "cancelled") }
        }
        return try answer.get()
    }

    private func giveUp(_ id: Int, _ error: ToolError, _ reason: String) {
        guard let waiting = pending.removeValue(forKey: id) else { return }
        send(RPC.notification("notifications/cancelled", ["requestId": .int(id), "reason": .string(reason)]))
        waiting.resume(returning: .failure(error))
    }

    /// Never waits: a server that doesn't read shows itself by not answering.
    private func send(_ message: JSONValue) { job.write(message.compactBytes + [0x0A]) }

    // MARK: What comes

    private func receive(_ lines: [LineSplitter.Line]) {
        for line in lines where end == nil { receive(line) }
        guard end == nil, useless > Self.mostUseless || unasked > Self.mostUnasked else { return }
        let error = ToolError.mcp("protocol", "it floods its standard output with what is no part of the protocol")
        end = error
        fail(with: error)
        job.kill()
    }

    private func receive(_ line: LineSplitter.Line) {
        switch line {
        case .tooLong(let bytes):
            let error = ToolError.mcp(
                "protocol", "it wrote a message of \(bytes) bytes; the most is \(Self.longestMessage)")
            log.add("warn", error.message)
            useless += 1
            fail(with: error)  // whose answer it was cannot be told
        case .text(let bytes):
            guard let value = try? JSONValue(parsing: bytes) else {
                useless += 1
                return log.add("warn", "no JSON on its standard output: \(String(decoding: bytes, as: UTF8.self).head)")
            }
            for message in value.array ?? [value] { receive(RPCMessage(message)) }
        }
    }

    private func receive(_ message: RPCMessage) {
        unasked += 1
        switch message {
        case .response(.number(let id)?, let result):
            guard let waiting = pending.removeValue(forKey: id) else { return }  // nobody waits any more
            unasked -= 1
            waiting.resume(returning: result.mapError { ToolError.mcp("error", "\($0.message.head) (\($0.code))") })
        case .response: log.add("warn", "an answer to what nobody asked")
        case .request(let id, let method, _): send(answer(to: method, id))
        case .notification("notifications/message", let params):
            log.add("info", params["data"].map { $0.string ?? $0.compact }?.head ?? "")
        case .notification("notifications/tools/list_changed", _):
            log.add("info", "its tools have changed; this trajectory keeps those it began with")
        case .notification: break
        case .invalid(_, let reason):
            useless += 1
            log.add("warn", "an invalid message: \(reason)")
        }
    }

    /// A server may ask the client, too. There is no user, no model and no directory for it.
    private func answer(to method: String, _ id: RPCIdentifier) -> JSONValue {
        switch method {
        case "ping": RPC.result(id, [:])
        case "roots/list": RPC.result(id, ["roots": []])
        case "sampling/createMessage": RPC.error(id, RPCError(-1, "sampling is refused"))
        case "elicitation/create": RPC.result(id, ["action": "decline"])
        default: RPC.error(id, RPCError(RPCError.methodNotFound, "there is no method \(method.head) here"))
        }
    }

    private func note(_ lines: [LineSplitter.Line]) {
        for case .text(let bytes) in lines.suffix(200) {
            let text = String(decoding: bytes, as: UTF8.self)
            lastWords = String((lastWords + "\n" + text).suffix(Self.longestWord))
            log.add("info", text)
        }
    }

    private func finish() async {
        let result = try? await job.wait()
        let how = result.map { $0.exitCode.map { "exit code \($0)" } ?? "signal \($0.signal ?? 0)" } ?? "the workspace"
        let words = lastWords.split(separator: "\n").last.map { "; its last words: \(String($0).head)" } ?? ""
        let error = ToolError.mcp("gone", "it ended with \(how)\(words)")
        guard end == nil else { return }
        end = error
        if result != nil { log.add("warn", error.message) }
        fail(with: error)
    }

    private func fail(with error: ToolError) {
        let waiting = pending.values
        pending = [:]
        for continuation in waiting { continuation.resume(returning: .failure(error)) }
    }
}

/// The first lines of a log: who floods it gains nothing.
private final class LimitedLog: Sendable {
    private let log: MCPClient.Log
    private let left = Mutex(200)

    init(_ log: @escaping MCPClient.Log) { self.log = log }

    func add(_ level: String, _ text: String) {
        let rest = left.withLock { left in
            left -= 1
            return left
        }
        if rest > 0 { log(level, text) } else if rest == 0 { log("warn", "the rest of its messages is left out") }
    }
}

extension ToolError {
    /// Codes: `mcp_error` (the server's own), `mcp_timeout`, `mcp_gone`, `mcp_protocol`.
    static func mcp(_ code: String, _ message: String) -> ToolError {
        ToolError(code: "mcp_" + code, message: message)
    }

    static let cancelledCall = ToolError(code: "cancelled", message: "the call was cancelled")
}

extension String {
    /// Enough of it for a message.
    var head: String { count > 300 ? prefix(300) + "…" : self }
}
