import JSON
import Plugins
import Trace
import Workspaces

/// Tools in a workspace without a dialogue around them, for a caller of its own who may make several calls at a time. Each
/// call is recorded as in a dialogue, below user turn 1.
public actor ToolBench {
    /// The one answer to a call.
    public struct Answer: Sendable {
        /// What a model is shown.
        public var text: String
        /// True when the tool ran and the world did not refuse.
        public var ok: Bool
        public var details: JSONValue?
        public var images: [ToolImage]
        /// Of an error of the call itself: see `ToolError.code`.
        public var errorCode: String?
        /// The last command that ran during the call.
        public var lastExec: ExecResult?
        public var wall: Duration
    }

    public nonisolated let tools: [Plugin]
    private let provision: Provision
    private let stage: @Sendable () -> PluginStage
    private let trace: TraceWriter
    /// Instances that do nothing now, by tool. A call takes the one that was used last, so one call after another meets the same.
    private var idle: [String: [ToolDispatcher]] = [:]
    /// Who waits for a tool that is not to run twice at a time.
    private var waiting: [String: [CheckedContinuation<ToolDispatcher, Never>]] = [:]

    /// Starts each tool once, so that one that doesn't start shows now.
    /// - Parameters:
    ///   - id: of the trajectory; what the plugins draw depends on it and on `seed`.
    ///   - bound: puts bounds on every command that a tool runs.
    ///   - onLog: gets level, text and plugin of what tools log, at once.
    public init(
        tools: [Plugin], workspace: Workspace, resources: ToolResources = ToolResources(), seed: UInt64, id: String,
        trace: TraceWriter, bound: (@Sendable (inout ExecRequest) -> Void)? = nil,
        onLog: (@Sendable (_ level: String, _ text: String, _ plugin: String) -> Void)? = nil
    ) async throws(PluginError) {
        self.tools = tools
        self.trace = trace
        provision = Provision(workspace: workspace, resources: resources, trace: trace, bound: bound)
        stage = { PluginStage(seed: seed, id: id, trace: trace, onLog: onLog) }
        for tool in tools { idle[tool.manifest.name] = [try await start(tool)] }
    }

    /// The tools as the trace has them.
    public nonisolated var definitions: [JSONValue] { tools.map { ToolDispatcher.definition(of: $0.manifest) } }

    /// Makes a call and records it. Cancelling the task ends what the call has started.
    /// - Parameter arguments: a JSON object; anything else is answered with an error, as an unknown tool is.
    /// - Throws: only when the trace cannot be written.
    public func call(_ name: String, _ arguments: JSONValue, id: String) async throws(TraceError) -> Answer {
        let call = IdentifiedCall(id: id, call: ProposedCall(name: name, arguments: arguments.compact))
        let start = ContinuousClock.now
        let dispatcher: ToolDispatcher
        do throws(PluginError) { dispatcher = try await take(name) } catch {
            let refused = try ToolDispatcher(tools: [], trace: trace, hostCalls: HostCallLog())
                .refuse(call, because: "the tool does not start: \(error.modelMessage)", turn: 1, parent: nil)
            return Answer(refused, wall: .now - start)
        }
        let result: ToolResult
        do throws(TraceError) { result = try await dispatcher.answer(call, turn: 1, parent: nil) } catch {
            give(back: dispatcher, name)
            throw error
        }
        give(back: dispatcher, name)
        return Answer(result, wall: .now - start)
    }

    private func take(_ name: String) async throws(PluginError) -> ToolDispatcher {
        if let free = idle[name]?.popLast() { return free }
        guard let tool = tools.first(where: { $0.manifest.name == name }) else {
            return ToolDispatcher(tools: [], trace: trace, hostCalls: HostCallLog())
        }
        if tool.manifest.effects.parallel == false {
            return await withCheckedContinuation { waiting[name, default: []].append($0) }
        }
        return try await start(tool)
    }

    private func give(back dispatcher: ToolDispatcher, _ name: String) {
        if waiting[name]?.isEmpty == false {
            waiting[name]?.removeFirst().resume(returning: dispatcher)
        } else if tools.contains(where: { $0.manifest.name == name }) {
            idle[name, default: []].append(dispatcher)
        }
    }

    /// With a log of host calls of its own, so that each command is recorded below the call that ran it.
    private func start(_ tool: Plugin) async throws(PluginError) -> ToolDispatcher {
        let stage = stage()
        let first = try await stage.start(tool, provision)
        let instances = ToolInstances(first: first)
        return ToolDispatcher(
            tools: [ToolDispatcher.Tool(plugin: tool, instances: instances)], trace: trace, hostCalls: stage.hostCalls,
            seesImages: true)
    }
}

extension ToolBench.Answer {
    init(_ result: ToolResult, wall: Duration) {
        text = result.modelText
        ok = result.ok
        details = result.details
        images = result.images
        errorCode = result.error?.code
        lastExec = result.lastExec
        self.wall = wall
    }
}
