import Dialogue
import JSON
import Plugins

/// The server's side of one session of the Model Context Protocol: it offers the tools of a bench to one client.
///
/// Requests are answered in the order in which they come, but for calls of tools, which run at the same time.
public actor MCPServer {
    public struct Options: Sendable {
        /// Of ISE.
        public var version: String
        /// What the client's model should know of the workspace.
        public var instructions: String
        /// Whether the workspace reaches nothing outside of itself.
        public var isClosedWorld = true
        /// Calls that run at a time; more are refused.
        public var mostCalls = 64
        /// Between two notifications of progress.
        public var heartbeat = Duration.seconds(1)
        /// What running calls have left when the client closes its end. Clients kill a server that takes longer than 2 s.
        public var grace = Duration.seconds(1)

        public init(version: String, instructions: String) {
            self.version = version
            self.instructions = instructions
        }
    }

    /// Why a session ended.
    public enum Ending: Sendable, Hashable {
        case inputClosed
        /// The client reads no more.
        case outputClosed
        case stopped
        /// The trace cannot be written: nothing may happen that it doesn't have.
        case traceFailed(String)
    }

    let bench: ToolBench
    let options: Options
    let tools: [ToolListing]
    let note: @Sendable (String) -> Void
    private let input: MessageInput
    private let output: MessageOutput

    /// Nil until the client has initialized the session.
    private(set) var version: ProtocolVersion?
    var logLevel = LogLevel.warning
    /// Running calls by their requests; one leaves before its answer is sent, since its id is free then.
    var calls: [RPCIdentifier: Task<Void, Never>] = [:]
    /// Calls whose answer is not yet sent.
    var openCalls = 0
    private var whenAllAnswered: CheckedContinuation<Void, Never>?
    private var isStopped = false
    private var traceFailure: String?

    /// - Parameter note: gets what is no part of the protocol, for the record: who the client is, and its faults.
    public init(
        bench: ToolBench, options: Options, input: MessageInput, output: MessageOutput,
        note: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.bench = bench
        self.options = options
        self.input = input
        self.output = output
        self.note = note
        tools = bench.tools.map { ToolListing($0.manifest, isClosedWorld: options.isClosedWorld) }
    }

    /// Serves until the client closes its end or `stop` is called. When it returns no call is running.
    public func run() async -> Ending {
        while let line = await input.next() {
            await receive(line)
            if output.isBroken { break }
        }
        if !isStopped, !output.isBroken { await drain() }
        for call in calls.values { call.cancel() }
        if openCalls > 0 { await withCheckedContinuation { whenAllAnswered = $0 } }
        if let traceFailure { return .traceFailed(traceFailure) }
        return isStopped ? .stopped : output.isBroken ? .outputClosed : .inputClosed
    }

    /// Ends the session: calls are cancelled, the client is told nothing more.
    public func stop() {
        isStopped = true
        input.stop()
        output.stop()
    }

    /// Lets running calls come to their end, for a short time.
    private func drain() async {
        let end = ContinuousClock.now + options.grace
        while openCalls > 0, ContinuousClock.now < end, !isStopped { try? await Task.sleep(for: .milliseconds(10)) }
    }

    func noteAnswered() {
        openCalls -= 1
        guard openCalls == 0 else { return }
        whenAllAnswered?.resume()
        whenAllAnswered = nil
    }

    func failTrace(_ reason: String) {
        traceFailure = reason
        stop()
    }

    // MARK: Messages

    private func receive(_ line: LineSplitter.Line) async {
        switch line {
        case .tooLong(let bytes):
            let reason = "a message of \(bytes) bytes; the most is \(MessageInput.longestMessage)"
            await refuse(nil, RPCError(RPCError.invalidRequest, reason))
        case .text(let bytes):
            let value: JSONValue
            do { value = try JSONValue(parsing: bytes) } catch {
                return await refuse(nil, RPCError(RPCError.parseError, "this is no JSON: \(error)"))
            }
            if let messages = value.array {
                await receive(batch: messages)
            } else if let answer = await answer(to: RPCMessage(value)) {
                await send(answer)
            }
        }
    }

    /// All answers of a batch come in one array; calls of tools among them run at the same time.
    private func receive(batch: [JSONValue]) async {
        guard let version, version.allowsBatches else {
            let reason = "arrays of messages are no part of this session's protocol"
            return await refuse(nil, RPCError(RPCError.invalidRequest, reason))
        }
        guard !batch.isEmpty else {
            return await refuse(nil, RPCError(RPCError.invalidRequest, "an empty array of messages"))
        }
        let messages = batch.map(RPCMessage.init)
        var answers: [JSONValue] = []
        var requests: [(RPCIdentifier, JSONObject)] = []
        for message in messages {
            if case .request(let id, "tools/call", let params) = message {
                requests.append((id, params))
            } else if let answer = await answer(to: message) {
                answers.append(answer)
            }
        }
        guard !requests.isEmpty else { return await send(batch: answers) }
        let collector = AnswerCollector(expected: requests.count, answers) { await self.send(batch: $0) }
        for (id, params) in requests {
            if let answer = startCall(id, params, reply: { await collector.add($0) }) { await collector.add(answer) }
        }
    }

    /// Nil when there is nothing to say, or not yet.
    private func answer(to message: RPCMessage) async -> JSONValue? {
        switch message {
        case .invalid(let id, let reason):
            note("the client sent an invalid message: \(reason)")
            return RPC.error(id, RPCError(RPCError.invalidRequest, "invalid request: \(reason)"))
        case .notification(let method, let params):
            receive(notification: method, params)
            return nil
        case .response: return nil  // this server asks for nothing
        case .request(let id, "tools/call", let params) where version != nil:
            return startCall(id, params) { if let answer = $0 { await self.send(answer) } }
        case .request(let id, let method, let params):
            do throws(RPCError) { return RPC.result(id, try result(of: method, params)) } catch {
                return RPC.error(id, error)
            }
        }
    }

    private func receive(notification method: String, _ params: JSONObject) {
        guard method == "notifications/cancelled", let id = params["requestId"].flatMap(RPCIdentifier.init) else {
            return
        }
        // One that has been answered meanwhile is no fault.
        calls[id]?.cancel()
    }

    private func result(of method: String, _ params: JSONObject) throws(RPCError) -> JSONValue {
        switch method {
        case "ping": return [:]
        case "initialize": return try initialize(params)
        default: break
        }
        guard ["tools/list", "tools/call", "logging/setLevel"].contains(method) else {
            throw RPCError(RPCError.methodNotFound, "there is no method \(method) here")
        }
        guard let version else {
            throw RPCError(RPCError.invalidRequest, "the session is not initialized: `initialize` comes first")
        }
        if method == "tools/list" {
            guard params["cursor"]?.string == nil else {
                throw RPCError(RPCError.invalidParams, "there is no such cursor: all tools stand on the first page")
            }
            return ["tools": .array(tools.map { $0.json(version) })]
        }
        guard let level = params["level"]?.string.flatMap({ LogLevel(rawValue: $0) }) else {
            let known = LogLevel.allCases.map { $0.rawValue }.joined(separator: ", ")
            throw RPCError(RPCError.invalidParams, "`level` must be one of \(known)")
        }
        logLevel = level
        return [:]
    }

    private func initialize(_ params: JSONObject) throws(RPCError) -> JSONValue {
        guard version == nil else { throw RPCError(RPCError.invalidRequest, "the session is initialized already") }
        guard let wanted = params["protocolVersion"]?.string else {
            let known = ProtocolVersion.allCases.map { JSONValue.string($0.rawValue) }
            throw RPCError(
                RPCError.invalidParams, "`protocolVersion` must be a string", data: ["supported": .array(known)])
        }
        let agreed = ProtocolVersion(rawValue: wanted) ?? .latest
        version = agreed
        let client = params["clientInfo"]
        let name = "\(client?["name"]?.string ?? "a client") \(client?["version"]?.string ?? "")"
        note(
            "session with \(name), protocol \(agreed.rawValue)"
                + (agreed.rawValue == wanted ? "" : " (asked: \(wanted))"))
        var information: JSONValue = ["name": "ise", "version": .string(options.version)]
        if agreed.hasStructuredContent { information["title"] = "ISE: tools in a workspace of their own" }
        return [
            "protocolVersion": .string(agreed.rawValue),
            "capabilities": ["tools": ["listChanged": false], "logging": [:]],
            "serverInfo": information, "instructions": .string(options.instructions),
        ]
    }

    // MARK: Sending

    func send(_ message: JSONValue) async { await output.send(message.compactBytes) }

    private func send(batch answers: [JSONValue]) async {
        if !answers.isEmpty { await send(.array(answers)) }
    }

    private func refuse(_ id: RPCIdentifier?, _ error: RPCError) async {
        note("the client sent an invalid message: \(error.message)")
        await send(RPC.error(id, error))
    }
}

/// Sends the answers of a batch once all of its calls are over. A call that was cancelled has none.
private actor AnswerCollector {
    private var missing: Int
    private var answers: [JSONValue]
    private let send: @Sendable ([JSONValue]) async -> Void

    init(expected: Int, _ answers: [JSONValue], send: @escaping @Sendable ([JSONValue]) async -> Void) {
        missing = expected
        self.answers = answers
        self.send = send
    }

    func add(_ answer: JSONValue?) async {
        if let answer { answers.append(answer) }
        missing -= 1
        if missing == 0 { await send(answers) }
    }
}
