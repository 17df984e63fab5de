import Basics
import Dialogue
import JSON
import Plugins
import Trace
import Workspaces

extension MCPServer {
    typealias Reply = @Sendable (JSONValue?) async -> Void

    /// Starts a call, whose answer goes to `reply`: nil when it was cancelled, to which the protocol wants no answer. A call that
    /// cannot be started is answered at once.
    func startCall(
        _ id: RPCIdentifier, _ params: JSONObject, reply: @escaping Reply
    ) -> JSONValue? {
        let call: (tool: ToolListing, arguments: JSONValue)
        do throws(RPCError) { call = try check(id, params) } catch { return RPC.error(id, error) }
        let progress = params["_meta"]?["progressToken"].flatMap(RPCIdentifier.init)
        openCalls += 1
        calls[id] = Task {
            let heart = progress.map { token in Task { await self.beat(token, call.tool.name) } }
            let answer = await self.run(call.tool, call.arguments, id)
            heart?.cancel()
            await heart?.value  // nothing about a call comes after its answer
            self.calls[id] = nil
            await reply(answer)
            self.noteAnswered()
        }
        return nil
    }

    private func check(
        _ id: RPCIdentifier, _ params: JSONObject
    ) throws(RPCError) -> (tool: ToolListing, arguments: JSONValue) {
        guard calls[id] == nil else {
            throw RPCError(RPCError.invalidRequest, "a request with the id \(id.json.compact) is running")
        }
        guard let name = params["name"]?.string else {
            throw RPCError(RPCError.invalidParams, "`name` must be the name of a tool")
        }
        guard let tool = tools.first(where: { $0.name == name }) else {
            let guess = Suggestion.question(for: name, among: tools.map(\.name))
            note("the client called a tool that is not there: \(String(name.prefix(200)))")
            throw RPCError(RPCError.invalidParams, "Unknown tool: \(name)\(guess)")
        }
        let arguments = params["arguments"] ?? .null
        guard arguments.isNull || arguments.object != nil else {
            throw RPCError(RPCError.invalidParams, "`arguments` must be an object, not \(arguments.typeName)")
        }
        guard calls.count < options.mostCalls else {
            throw RPCError(RPCError.busy, "\(calls.count) calls are running; wait for one to end")
        }
        return (tool, arguments.isNull ? [:] : arguments)
    }

    private func run(_ tool: ToolListing, _ arguments: JSONValue, _ id: RPCIdentifier) async -> JSONValue? {
        let answer: ToolBench.Answer
        let name =
            switch id {
            case .number(let number): String(number)
            case .string(let text): text
            }
        do throws(TraceError) { answer = try await bench.call(tool.name, arguments, id: name) } catch {
            failTrace("\(error)")
            return RPC.error(id, RPCError(RPCError.internalError, "the trace cannot be written"))
        }
        if Task.isCancelled { return nil }
        for denial in answer.lastExec?.denials ?? [] {
            await log("warn", "the sandbox refused \(denial.syscall), \(denial.count) times", logger: tool.name)
        }
        return RPC.result(id, CallResult(answer, of: tool, version ?? .latest).json)
    }

    /// What there is to tell of a running call is for how long it has been running; it keeps clients from giving up.
    private func beat(_ token: RPCIdentifier, _ tool: String) async {
        let start = ContinuousClock.now
        while !Task.isCancelled {
            let seconds = Double((ContinuousClock.now - start).wholeMilliseconds) / 1000
            var params: JSONValue = ["progressToken": token.json, "progress": .double(seconds)]
            if version?.hasAnnotations == true { params["message"] = .string("\(tool): running for \(Int(seconds)) s") }
            await send(RPC.notification("notifications/progress", params))
            try? await Task.sleep(for: options.heartbeat)
        }
    }

    // MARK: Log

    /// A line of a tool or of the sandbox, when the client wants lines of its level.
    public func log(_ level: String, _ text: String, logger: String) async {
        guard version != nil, let level = LogLevel(ours: level), level >= logLevel else { return }
        let params: JSONValue = [
            "level": .string(level.rawValue), "logger": .string(logger), "data": .string(text),
        ]
        await send(RPC.notification("notifications/message", params))
    }
}

/// The result of a call as clients get it.
private struct CallResult {
    let json: JSONValue

    init(_ answer: ToolBench.Answer, of tool: ToolListing, _ version: ProtocolVersion) {
        let text: JSONValue = ["type": "text", "text": .string(answer.text)]
        let images: [JSONValue] = answer.images.map { image in
            ["type": "image", "data": .string(image.data), "mimeType": .string(image.mime)]
        }
        var result: JSONValue = ["content": .array([text] + images)]
        if version.hasStructuredContent, let structured = Self.structured(answer, of: tool) {
            result["structuredContent"] = structured
        }
        if !answer.ok { result["isError"] = true }
        result["_meta"] = ["ise/wall_ms": .int(answer.wall.wholeMilliseconds)]
        json = result
    }

    private static func structured(_ answer: ToolBench.Answer, of tool: ToolListing) -> JSONValue? {
        let details = answer.details?.object
        guard tool.outputSchema == nil else {
            return details.map(JSONValue.object).flatMap { tool.fits($0) ? $0 : nil }
        }
        var object = details ?? [:]
        if object["wall_ms"] == nil { object["wall_ms"] = .int(answer.wall.wholeMilliseconds) }
        if let code = answer.errorCode, object["code"] == nil { object["code"] = .string(code) }
        return .object(object)
    }
}

/// Levels of RFC 5424, as the protocol has them; the least first.
enum LogLevel: String, Sendable, CaseIterable, Comparable {
    case debug, info, notice, warning, error, critical, alert, emergency

    /// From the levels of plugins.
    init?(ours level: String) { self.init(rawValue: level == "warn" ? "warning" : level) }

    static func < (a: LogLevel, b: LogLevel) -> Bool {
        (allCases.firstIndex(of: a) ?? 0) < (allCases.firstIndex(of: b) ?? 0)
    }
}
