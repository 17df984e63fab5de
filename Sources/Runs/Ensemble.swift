import Basics
import Dialogue
import Intents
import JSON
import Models
import Plugins
import Trace
import Workspaces

/// The plugins and models of a run, looked up before anything starts.
struct Ensemble: Sendable {
    let casting: Casting
    /// What has a say in a dialogue, for the traces; keys are left out.
    let settings: JSONValue
    let redactor: Redactor

    /// - Throws: `.input` when a plugin is unknown, or asks a model and none is configured.
    init(_ configuration: RunConfiguration, catalog: PluginCatalog) throws(RunError) {
        let agent = try Self.plugin(.agent, configuration.agent, in: catalog)
        let simulator = try Self.plugin(.simulator, configuration.simulator, in: catalog)
        let loaded = catalog.plugins(kind: .tool)
        guard !loaded.isEmpty else {
            throw RunError(.input, "no tool plugin is loaded; add a directory that has tools/ with --plugins")
        }
        let tools = try ToolChoice.tools(configuration.tools, of: loaded)
        var casting = Casting(agent: agent, simulator: simulator, tools: tools, guards: catalog.plugins(kind: .guard))
        casting.agentModel = try Self.client(.agent, for: agent, configuration)
        casting.simulatorModel = try Self.client(.simulator, for: simulator, configuration)
        casting.agentConfig = try Self.config(configuration.agentConfig, of: agent)
        casting.simulatorConfig = try Self.config(configuration.simulatorConfig, of: simulator)
        casting.toolSources = configuration.toolSources
        casting.resources = try configuration.toolSettings.resources(
            for: tools, environment: configuration.environment)
        self.casting = casting
        settings = Self.settings(configuration, casting)
        let keys = [("agent key", casting.agentModel), ("simulator key", casting.simulatorModel)]
        redactor = Redactor(
            secrets: keys.map { Redactor.Secret(name: $0.0, value: $0.1?.settings.key?.value ?? "") }
                + casting.resources.secrets.map { Redactor.Secret(name: $0.0, value: $0.1) })
    }

    func runner(on host: WorkspaceHost, _ configuration: RunConfiguration) -> TrajectoryRunner {
        var runner = TrajectoryRunner(casting: casting, host: host, version: iseVersion)
        runner.limits = configuration.limits
        runner.settings = settings
        runner.policy = configuration.policy
        return runner
    }

    /// The scripted agent follows playbooks, which intents of other makers don't have.
    func warning(for records: [IntentRecord]) -> String? {
        guard casting.agent.manifest.name == "scripted" else { return nil }
        let foreign = records.count { $0.origin == nil }
        guard foreign > 0 else { return nil }
        return
            "\(foreign) of \(records.count) intents bring no tasks of ISE's own, so the scripted agent has nothing to follow "
            + "there; use --agent llm for them"
    }

    private static func plugin(
        _ kind: PluginManifest.Kind, _ name: String, in catalog: PluginCatalog
    ) throws(RunError) -> Plugin {
        do {
            return try catalog.plugin(kind: kind, named: name)
        } catch {
            throw RunError(.input, "\(error)")
        }
    }

    /// Nil for a plugin that may ask no model, whatever is configured.
    private static func client(
        _ role: ModelRole, for plugin: Plugin, _ configuration: RunConfiguration
    ) throws(RunError) -> ChatClient? {
        guard plugin.permissions.model else { return nil }
        let flags = role == .agent ? configuration.agentModel : configuration.simulatorModel
        do {
            let settings = try ChatSettings(role: role, flags: flags, environment: configuration.environment)
            return ChatClient(settings: settings, http: try HTTPClient())
        } catch {
            throw RunError(.input, "the \(plugin.title) asks a model: \(error)")
        }
    }

    /// Checked here, so that a mistake is told once and before anything runs.
    private static func config(_ text: String?, of plugin: Plugin) throws(RunError) -> JSONValue {
        guard let text else { return [:] }
        let value: JSONValue
        do throws(JSONError) { value = try JSONValue(parsing: text) } catch {
            throw RunError(.input, "the configuration of the \(plugin.title) is no JSON: \(error)")
        }
        guard let schema = plugin.manifest.config else {
            throw RunError(.input, "the \(plugin.title) has no settings")
        }
        switch SchemaValidator.validate(value, against: schema) {
        case .success(let filled): return filled
        case .failure(let violations):
            throw RunError(
                .input,
                "the configuration of the \(plugin.title) is not right: "
                    + violations.map { "\($0)" }.joined(separator: "; "))
        }
    }

    private static func settings(_ configuration: RunConfiguration, _ casting: Casting) -> JSONValue {
        func model(_ client: ChatClient?) -> JSONValue? {
            client.map { ["url": .string($0.settings.url), "model": .string($0.settings.model)] }
        }
        var settings: JSONValue = [
            "agent": .string(configuration.agent), "simulator": .string(configuration.simulator),
            "max_turns": .int(configuration.limits.userTurns),
        ]
        settings["tools"] = JSONValue(casting.tools.map(\.manifest.name))
        if casting.resources.json != [:] { settings["tool_resources"] = casting.resources.json }
        if configuration.policy.policy.network != .loopback {
            settings["network"] = .string(configuration.policy.policy.network.description)
        }
        if casting.agentConfig != [:] { settings["agent_config"] = casting.agentConfig }
        if casting.simulatorConfig != [:] { settings["simulator_config"] = casting.simulatorConfig }
        if !casting.toolSources.isEmpty { settings["tool_sources"] = .array(casting.toolSources.map { $0.settings }) }
        settings["agent_model"] = model(casting.agentModel)
        settings["simulator_model"] = model(casting.simulatorModel)
        return settings
    }
}
