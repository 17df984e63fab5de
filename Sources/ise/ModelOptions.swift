import ArgumentParser
import Models

/// The endpoints of agent and simulator. What a flag doesn't say, the environment may.
struct ModelOptions: ParsableArguments {
    @Option(help: "OpenAI-compatible server for the agent, such as http://127.0.0.1:8080/v1 (or ISE_AGENT_URL).")
    var agentURL: String?

    @Option(help: "Model to ask there (or ISE_AGENT_MODEL).")
    var agentModel: String?

    @Option(help: "Key for it; others can see it in the process list, so prefer ISE_AGENT_KEY.")
    var agentKey: String?

    @Option(help: "Server for the simulated user (or ISE_SIMULATOR_URL).")
    var simulatorURL: String?

    @Option(help: "Model to ask there (or ISE_SIMULATOR_MODEL).")
    var simulatorModel: String?

    @Option(help: "Key for it (or ISE_SIMULATOR_KEY).")
    var simulatorKey: String?

    @Option(help: ArgumentHelp("Settings of the agent plugin, such as '{\"max_tokens\": 1024}'.", valueName: "json"))
    var agentConfig: String?

    @Option(help: ArgumentHelp("Settings of the simulator plugin.", valueName: "json"))
    var simulatorConfig: String?

    var agent: ChatSettings.Flags { .init(url: agentURL, model: agentModel, key: agentKey) }
    var simulator: ChatSettings.Flags { .init(url: simulatorURL, model: simulatorModel, key: simulatorKey) }
}
