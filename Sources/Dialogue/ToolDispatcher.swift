import JSON
import Plugins
import Trace
import Workspaces

/// Answers tool calls: each exactly once, whatever the agent wrote and whatever the tool did. Calls run one after another, in
/// the agent's order.
struct ToolDispatcher: Sendable {
    struct Tool: Sendable {
        let plugin: Plugin
        let instance: PluginInstance
    }

    /// The tools as they are sent to models.
    let definitions: [JSONValue]
    private let tools: [Tool]
    private let foreign: [ForeignTool]
    private let trace: TraceWriter
    private let hostCalls: HostCallLog

    /// `hostCalls` is where the tools' host services report what they do. No two tools may have one name.
    init(tools: [Tool], foreign: [ForeignTool] = [], trace: TraceWriter, hostCalls: HostCallLog) {
        self.tools = tools
        self.foreign = foreign
        self.trace = trace
        self.hostCalls = hostCalls
        definitions = tools.map { Self.definition(of: $0.plugin.manifest) } + foreign.map(\.definition)
    }

    private var names: [String] { tools.map(\.plugin.manifest.name) + foreign.map(\.name) }

    /// Runs the call and records it. Throws only when the trace cannot be written.
    /// - Parameter parent: the event of the agent's answer.
    func answer(_ call: IdentifiedCall, turn: Int, parent: Int?) async throws(TraceError) -> ToolResult {
        let tool = tools.first { $0.plugin.manifest.name == call.call.name }
        let foreign = foreign.first { $0.name == call.call.name }
        let event = try recordCall(call, hash: tool?.plugin.hash ?? foreign?.hash, turn: turn, parent: parent)
        let start = ContinuousClock.now
        var result = await run(call, tool, foreign)
        let wall = ContinuousClock.now - start
        result.lastExec = try hostCalls.write(to: trace, call: event, turn: turn)
        try record(result, call: event, wall: wall, turn: turn)
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

    private func run(_ call: IdentifiedCall, _ tool: Tool?, _ foreign: ForeignTool?) async -> ToolResult {
        do throws(ToolError) {
            guard tool != nil || foreign != nil else { throw CallCheck.unknownTool(call.call.name, known: names) }
            let arguments = try CallCheck.arguments(of: call.call)
            if let tool { return await run(tool, arguments, call) }
            let answer = try await foreign?.call(arguments)
            return ToolResult(
                call: call, ok: answer?.failed != true, text: answer?.text ?? "", details: answer?.details)
        } catch {
            return ToolResult(call: call, error: error, text: "Error: \(error.message)")
        }
    }

    private func run(_ tool: Tool, _ arguments: JSONValue, _ call: IdentifiedCall) async -> ToolResult {
        do throws(PluginError) {
            let answer = try await tool.instance.call("run", [arguments])
            guard let text = answer["text"]?.string else {
                let message = "`run` must return a table with `text`, not \(answer.compact.head(200))"
                return ToolResult(
                    call: call, error: ToolError(code: "plugin_bug", message: message), text: "Error: the tool failed")
            }
            return ToolResult(
                call: call, ok: answer["failed"]?.bool != true, text: text, details: answer["details"])
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
            details: result.details, error: result.error?.json, wallMilliseconds: wall?.milliseconds, turn: turn)
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
