import JSON
import Models
import Plugins
import Trace
import Workspaces

/// Which plugins play which part, and the models that two of them may ask.
public struct Casting: Sendable {
    public var agent: Plugin
    public var simulator: Plugin
    public var tools: [Plugin]
    /// In the order in which they read a proposed turn.
    public var guards: [Plugin]
    /// Programs that bring tools of their own into each workspace.
    public var toolSources: [any ToolSource] = []
    /// Nil when no endpoint is configured: an agent that asks for a model is told so.
    public var agentModel: ChatClient?
    public var simulatorModel: ChatClient?
    /// Settings of the plugins' own, as their manifests describe them.
    public var agentConfig: JSONValue = [:]
    public var simulatorConfig: JSONValue = [:]

    public init(agent: Plugin, simulator: Plugin, tools: [Plugin], guards: [Plugin] = []) {
        self.agent = agent
        self.simulator = simulator
        self.tools = tools
        self.guards = guards
    }

    var plugins: [Plugin] { [agent, simulator] + tools + guards }
}

/// The plugins of one trajectory, each with a state of its own.
struct Cast: Sendable {
    var agent: Player
    var simulator: Player
    var guards: [Player]
    var tools: ToolDispatcher
}

extension Casting {
    /// Starts the plugins. Only tools reach the workspace.
    func cast(
        in workspace: Workspace, seed: UInt64, scenario id: String, trace: TraceWriter
    ) async throws(PluginError) -> Cast {
        let stage = PluginStage(seed: seed, id: id, trace: trace)
        var tools: [ToolDispatcher.Tool] = []
        for plugin in self.tools {
            let instance = try await stage.start(plugin, workspace: workspace)
            tools.append(ToolDispatcher.Tool(plugin: plugin, instance: instance))
        }
        var guards: [Player] = []
        for plugin in self.guards { guards.append(try await stage.player(plugin, model: nil)) }
        return Cast(
            agent: try await stage.player(agent, agentConfig, model: agentModel.map { (.agent, $0) }),
            simulator: try await stage.player(
                simulator, simulatorConfig, model: simulatorModel.map { (.simulator, $0) }),
            guards: guards,
            tools: ToolDispatcher(
                tools: tools, foreign: await foreignTools(in: workspace, stage.hostCalls), trace: trace,
                hostCalls: stage.hostCalls))
    }
}

/// What the plugins of one trajectory share.
struct PluginStage {
    let seed: UInt64
    let id: String
    let trace: TraceWriter
    let hostCalls = HostCallLog()
    /// Gets level, text and plugin of each line at once, beside the trace.
    var onLog: (@Sendable (String, String, String) -> Void)?
    /// Bounds every command of the tools.
    var bound: (@Sendable (inout ExecRequest) -> Void)?

    func player(
        _ plugin: Plugin, _ config: JSONValue = [:], model: (role: ModelRole, client: ChatClient)?
    ) async throws(PluginError) -> Player {
        let chat = model.map { RecordedChat($0.role, client: $0.client, trace: trace) }
        return Player(
            kind: plugin.manifest.kind.rawValue, name: plugin.manifest.name,
            instance: try await start(plugin, config, chat: chat), chat: chat, hostCalls: hostCalls, trace: trace)
    }

    func start(
        _ plugin: Plugin, _ config: JSONValue = [:], workspace: Workspace? = nil, chat: RecordedChat? = nil
    ) async throws(PluginError) -> PluginInstance {
        let log = hostCalls
        let name = plugin.manifest.name
        var services = HostServices()
        services.workspace = workspace
        if let workspace, let bound { services.workspace = BoundedWorkspace(workspace: workspace, bound: bound) }
        services.onExec = { log.append(.exec($0, $1)) }
        services.onLog = { [onLog] level, text, fields in
            log.append(.log(level: level, text: text, fields: fields, plugin: name))
            onLog?(level, text, name)
        }
        if let chat { services.chat = { request in try await chat.answer(request) } }
        return try await PluginInstance(plugin, host: services, seed: Seed.derive(seed, id), config: config)
    }
}
