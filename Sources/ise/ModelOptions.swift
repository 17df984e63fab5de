import ArgumentParser
import Glibc
import Runs

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

    func agent() throws -> ModelEndpoint? { try endpoint("agent", agentURL, agentModel, agentKey) }

    func simulator() throws -> ModelEndpoint? { try endpoint("simulator", simulatorURL, simulatorModel, simulatorKey) }

    private func endpoint(_ role: String, _ url: String?, _ model: String?, _ key: String?) throws -> ModelEndpoint? {
        func value(_ flag: String?, _ name: String) -> String? {
            let value = flag ?? getenv("ISE_\(role.uppercased())_\(name)").map { String(cString: $0) }
            return value?.isEmpty == false ? value : nil
        }
        switch (value(url, "URL"), value(model, "MODEL")) {
        case (nil, nil): return nil
        case (let url?, let model?): return ModelEndpoint(url: url, model: model, key: value(key, "KEY"))
        case (_?, nil): throw ValidationError("--\(role)-url needs --\(role)-model")
        case (nil, _?): throw ValidationError("--\(role)-model needs --\(role)-url")
        }
    }
}
