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
    /// What there is for tools beside the workspace.
    public var resources = ToolResources()
    /// Settings of the plugins' own, as their manifests describe them.
    public var agentConfig: JSONValue = [:]
    public var simulatorConfig: JSONValue = [:]

    public init(agent: Plugin, simulator: Plugin, tools: [Plugin], guards: [Plugin] = []) {
        self.agent = agent
        self.simulator = simulator
        self.tools = tools
        self.guards = guards
    }

    public var plugins: [Plugin] { [agent, simulator] + tools + guards }

    /// The same parts, played by the plugins as they are now. One that is broken or gone now stays as it was, and so does
    /// one whose settings have changed so that those of this casting do not fit any more.
    public mutating func update(from catalog: PluginCatalog) {
        func current(_ plugin: Plugin, _ config: JSONValue = [:]) -> Plugin {
            guard let newer = catalog.current(plugin) else { return plugin }
            if let schema = newer.manifest.config, case .failure = SchemaValidator.validate(config, against: schema) {
                return plugin
            }
            return newer
        }
        agent = current(agent, agentConfig)
        simulator = current(simulator, simulatorConfig)
        tools = tools.map { current($0) }
        guards = guards.map { current($0) }
    }
}

/// The plugins of one dialogue, each with a state of its own.
struct Cast: Sendable {
    var agent: Player
    /// Nil in a session below another dialogue: nobody simulates its user.
    var simulator: Player?
    var guards: [Player] = []
    var tools: ToolDispatcher
}

extension Casting {
    /// Starts the plugins. Only tools reach the workspace.
    func cast(
        _ provision: Provision, seed: UInt64, scenario id: String, trace: TraceWriter
    ) async throws(PluginError) -> Cast {
        let stage = PluginStage(seed: seed, id: id, trace: trace)
        var guards: [Player] = []
        for plugin in self.guards { guards.append(try await stage.player(plugin, model: nil)) }
        var cast = try await castBelow(provision, tools: tools, stage)
        cast.simulator = try await stage.player(
            simulator, simulatorConfig, model: simulatorModel.map { (.simulator, $0) })
        cast.guards = guards
        return cast
    }

    /// The agent with tools alone.
    func castBelow(
        _ provision: Provision, tools: [Plugin], _ stage: PluginStage
    ) async throws(PluginError) -> Cast {
        let isMain = provision.desk?.own.depth ?? 0 == 0
        let foreign = isMain ? await foreignTools(in: provision.workspace, stage.hostCalls) : []
        let own = tools.map { stage.tool($0, provision) }
        // One that does not start is known before anything is done.
        for tool in own { tool.instances.giveBack(try await tool.instances.take()) }
        return Cast(
            agent: try await stage.player(agent, agentConfig, model: agentModel.map { (.agent, $0) }),
            tools: ToolDispatcher(
                tools: own, foreign: foreign, trace: stage.trace,
                hostCalls: stage.hostCalls, seesImages: resources.agentSeesImages))
    }
}

/// What the plugins of one dialogue share.
struct PluginStage {
    let seed: UInt64
    let id: String
    let trace: TraceWriter
    let hostCalls = HostCallLog()
    /// Gets level, text and plugin of each line at once, beside the trace.
    var onLog: (@Sendable (String, String, String) -> Void)?

    func player(
        _ plugin: Plugin, _ config: JSONValue = [:], model: (role: ModelRole, client: ChatClient)?
    ) async throws(PluginError) -> Player {
        let chat = model.map { RecordedChat($0.role, client: $0.client, trace: trace) }
        var services = services(plugin, hostCalls)
        if let chat { services.chat = { request in try await chat.answer(request) } }
        let instance = try await PluginInstance(plugin, host: services, seed: Seed.derive(seed, id), config: config)
        return Player(
            kind: plugin.manifest.kind.rawValue, name: plugin.manifest.name, instance: instance, chat: chat,
            hostCalls: hostCalls, trace: trace)
    }

    func tool(_ plugin: Plugin, _ provision: Provision) -> ToolDispatcher.Tool {
        let instances = ToolInstances { number async throws(PluginError) in
            try await start(plugin, provision, number: number)
        }
        return ToolDispatcher.Tool(plugin: plugin, instances: instances)
    }

    /// - Parameter number: of the instance; each draws from streams of its own.
    func start(
        _ plugin: Plugin, _ provision: Provision, number: Int = 0
    ) async throws(PluginError) -> ToolInstances.Started {
        let log = HostCallLog()
        let asks = plugin.manifest.permissions.model ? provision.resources.model : nil
        let chat = asks.map { RecordedChat(.tool, client: $0, trace: trace) }
        var services = services(plugin, log)
        provision.equip(&services, for: plugin, chat: chat, log: log)
        let name = number == 0 ? id : "\(id)#\(number)"
        let instance = try await PluginInstance(plugin, host: services, seed: Seed.derive(seed, name))
        return ToolInstances.Started(instance: instance, log: log, chat: chat)
    }

    private func services(_ plugin: Plugin, _ log: HostCallLog) -> HostServices {
        let name = plugin.manifest.name
        var services = HostServices()
        services.onExec = { log.append(.exec($0, $1)) }
        services.onLog = { [onLog] level, text, fields in
            log.append(.log(level: level, text: text, fields: fields, plugin: name))
            onLog?(level, text, name)
        }
        return services
    }
}
