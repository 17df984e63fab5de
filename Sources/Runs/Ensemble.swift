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
    let redactor: Redactor

    /// - Throws: `.input` when a plugin is unknown, or asks a model and none is configured.
    init(_ configuration: RunConfiguration, catalog: PluginCatalog) throws(RunError) {
        let agent = try Self.plugin(.agent, configuration.agent, in: catalog)
        let simulator = try Self.plugin(.simulator, configuration.simulator, in: catalog)
        let tools = catalog.plugins(kind: .tool)
        guard !tools.isEmpty else {
            throw RunError(.input, "no tool plugin is loaded; add a directory that has tools/ with --plugins")
        }
        var casting = Casting(agent: agent, simulator: simulator, tools: tools, guards: catalog.plugins(kind: .guard))
        casting.agentModel = try Self.client(configuration.agentModel, for: agent)
        casting.simulatorModel = try Self.client(configuration.simulatorModel, for: simulator)
        self.casting = casting
        redactor = Redactor(secrets: [
            Redactor.Secret(name: "agent key", value: configuration.agentModel?.key ?? ""),
            Redactor.Secret(name: "simulator key", value: configuration.simulatorModel?.key ?? ""),
        ])
    }

    func runner(on host: WorkspaceHost, _ configuration: RunConfiguration) -> TrajectoryRunner {
        var runner = TrajectoryRunner(casting: casting, host: host, version: iseVersion)
        runner.limits = configuration.limits
        runner.settings = configuration.dialogueSettings
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

    private static func client(_ endpoint: ModelEndpoint?, for plugin: Plugin) throws(RunError) -> ChatClient? {
        nil
    }
}
