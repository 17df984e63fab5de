import Basics
import JSON
import Plugins
import Trace
import Workspaces

/// Answers tool calls: each exactly once, whatever the agent wrote and whatever the tool did. Calls run one after another, in
/// the agent's order, or at the same time when all their tools say that they may.
struct ToolDispatcher: Sendable {
    struct Tool: Sendable {
        let plugin: Plugin
        let instances: ToolInstances
    }

    /// The tools as they are sent to models.
    let definitions: [JSONValue]
    private let tools: [Tool]
    private let foreign: [ForeignTool]
    private let trace: TraceWriter
    private let hostCalls: HostCallLog
    /// The agent's model is shown the images that tools return.
    let seesImages: Bool

    /// `hostCalls` is where foreign tools report what they do. No two tools may have one name.
    init(
        tools: [Tool], foreign: [ForeignTool] = [], trace: TraceWriter, hostCalls: HostCallLog,
        seesImages: Bool = false
    ) {
        self.seesImages = seesImages
        self.tools = tools
        self.foreign = foreign
        self.trace = trace
        self.hostCalls = hostCalls
        definitions = tools.map { Self.definition(of: $0.plugin.manifest) } + foreign.map(\.definition)
    }

    private var names: [String] { tools.map(\.plugin.manifest.name) + foreign.map(\.name) }

    /// Tokens that tools have used for questions to models of their own.
    var tokens: Int { tools.reduce(0) { $0 + $1.instances.tokens } }

    /// Runs the call and records it. Throws only when the trace cannot be written.
    /// - Parameter parent: the event of the agent's answer.
    func answer(_ call: IdentifiedCall, turn: Int, parent: Int?) async throws(TraceError) -> ToolResult {
        let open = try begin(call, turn: turn, parent: parent)
        return try finish(open, await run(open, turn: turn), turn: turn)
    }

    /// Whether the calls may run at the same time.
    func areParallel(_ calls: [IdentifiedCall]) -> Bool {
        calls.count > 1
            && calls.allSatisfy { call in
                tools.first { $0.plugin.manifest.name == call.call.name }?.plugin.manifest.effects.parallel == true
            }
    }

    /// Runs the calls at the same time. In the record they begin together, and their results stand in the order of the calls.
    func answer(
        together calls: [IdentifiedCall], turn: Int, parent: Int?
    ) async throws(TraceError) -> [ToolResult] {
        var open: [OpenCall] = []
        for call in calls { open.append(try begin(call, turn: turn, parent: parent)) }
        let done = await withTaskGroup(of: (Int, Done).self) { group in
            for (index, call) in open.enumerated() { group.addTask { (index, await run(call, turn: turn)) } }
            var done: [Int: Done] = [:]
            for await (index, result) in group { done[index] = result }
            return done
        }
        var results: [ToolResult] = []
        for (index, call) in open.enumerated() {
            if let result = done[index] { results.append(try finish(call, result, turn: turn)) }
        }
        return results
    }

    /// A call that is in the record and has no answer yet.
    private struct OpenCall: Sendable {
        let call: IdentifiedCall
        let event: Int
        let tool: Tool?
        let foreign: ForeignTool?
    }

    private struct Done: Sendable {
        var result: ToolResult
        var log: HostCallLog
        var wall: Duration
    }

    private func begin(_ call: IdentifiedCall, turn: Int, parent: Int?) throws(TraceError) -> OpenCall {
        let tool = tools.first { $0.plugin.manifest.name == call.call.name }
        let foreign = foreign.first { $0.name == call.call.name }
        let event = try recordCall(call, hash: tool?.plugin.hash ?? foreign?.hash, turn: turn, parent: parent)
        return OpenCall(call: call, event: event, tool: tool, foreign: foreign)
    }

    private func run(_ open: OpenCall, turn: Int) async -> Done {
        let start = ContinuousClock.now
        var (result, log) = await run(open.call, open.tool, open.foreign, turn: turn)
        if !result.images.isEmpty, !seesImages {
            result.text += "\n(The image itself is not shown: this agent's model takes none.)"
        }
        return Done(result: result, log: log, wall: .now - start)
    }

    private func finish(_ open: OpenCall, _ done: Done, turn: Int) throws(TraceError) -> ToolResult {
        var result = done.result
        try hostCalls.write(to: trace, call: open.event, turn: turn)
        result.lastExec = try done.log.write(to: trace, call: open.event, turn: turn)
        try record(result, call: open.event, wall: done.wall, turn: turn)
        return result
    }

    /// Answers a call without running it.
    func refuse(_ call: IdentifiedCall, because reason: String, turn: Int, parent: Int?) throws(TraceError)
        -> ToolResult
    {
        let event = try recordCall(call, hash: nil, turn: turn, parent: parent)
        let result = ToolResult(call: call, error: ToolError(code: "not_run", message: reason), text: reason)
        try record(result, call: event, wall: nil, turn: turn)
        return result
    }

    private func run(
        _ call: IdentifiedCall, _ tool: Tool?, _ foreign: ForeignTool?, turn: Int
    ) async -> (ToolResult, HostCallLog) {
        var log = HostCallLog()
        do throws(ToolError) {
            guard tool != nil || foreign != nil else { throw CallCheck.unknownTool(call.call.name, known: names) }
            let arguments = try CallCheck.arguments(of: call.call)
            if let tool {
                let started: ToolInstances.Started
                do throws(PluginError) { started = try await tool.instances.take() } catch { throw ToolError(error) }
                started.chat?.begin(turn: turn)
                log = started.log
                let result = await run(started.instance, arguments, call)
                tool.instances.giveBack(started)
                return (result, log)
            }
            let answer = try await foreign?.call(arguments)
            var result = ToolResult(
                call: call, ok: answer?.failed != true, text: answer?.text ?? "", details: answer?.details)
            result.images = answer?.images ?? []
            return (result, log)
        } catch {
            return (ToolResult(call: call, error: error, text: "Error: \(error.message)"), log)
        }
    }

    private func run(_ instance: PluginInstance, _ arguments: JSONValue, _ call: IdentifiedCall) async -> ToolResult {
        do throws(PluginError) {
            let answer = try await instance.call("run", [arguments])
            guard let text = answer["text"]?.string else {
                let message = "`run` must return a table with `text`, not \(answer.compact.head(200))"
                return ToolResult(
                    call: call, error: ToolError(code: "plugin_bug", message: message), text: "Error: the tool failed")
            }
            var result = ToolResult(
                call: call, ok: answer["failed"]?.bool != true, text: text, details: answer["details"])
            result.images = (answer["images"]?.array ?? []).compactMap(ToolImage.init)
            return result
        } catch {
            return ToolResult(call: call, error: ToolError(error), text: "Error: \(error.modelMessage)")
        }
    }

    static func definition(of manifest: PluginManifest) -> JSONValue {
        let function: JSONValue = [
            "name": .string(manifest.name), "description": .string(manifest.description),
            "parameters": manifest.parameters ?? ["type": "object", "properties": [:]],
        ]
        return ["type": "function", "function": function]
    }
}

// MARK: - Recording

extension ToolDispatcher {
    private func recordCall(
        _ call: IdentifiedCall, hash: String?, turn: Int, parent: Int?
    ) throws(TraceError) -> Int {
        let parsed = try? JSONValue(parsing: call.call.arguments)
        return try trace.append(
            .toolCall(
                id: call.id, tool: call.call.name,
                arguments: parsed?.object == nil ? .string(call.call.arguments) : parsed ?? .null,
                plugin: hash, turn: turn, parent: parent))
    }

    /// What the agent sees, and where that was cut, the whole text beside it.
    private func record(_ result: ToolResult, call: Int, wall: Duration?, turn: Int) throws(TraceError) {
        var event = TraceEvent.toolResult(
            call: call, id: result.call.id, tool: result.call.call.name, text: result.modelText, failed: !result.ok,
            details: result.details, error: result.error?.json, wallMilliseconds: wall?.wholeMilliseconds, turn: turn)
        if !result.images.isEmpty { event.payload["images"] = .array(result.images.map(\.json)) }
        if result.modelText != result.text { event = event.attaching("full_text", Array(result.text.utf8)) }
        try trace.append(event)
    }
}

extension ToolResult {
    /// A call that gave an error.
    init(call: IdentifiedCall, error: ToolError, text: String) {
        self.init(call: call, ok: false, text: text, error: error)
    }
}

extension ToolError {
    init(_ error: PluginError) {
        var cause: JSONObject = [:]
        cause["details"] = error.details
        cause["file"] = error.file.map { .string($0) }
        cause["line"] = error.line.map { .int($0) }
        cause["traceback"] = error.traceback.map { .string($0) }
        if !error.lastHostCalls.isEmpty { cause["last_host_calls"] = JSONValue(error.lastHostCalls) }
        self.init(code: error.code, message: error.message, cause: cause)
    }
}
