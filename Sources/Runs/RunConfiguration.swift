import Dialogue
import Glibc
import JSON

/// Everything that decides what a run does.
public struct RunConfiguration: Sendable {
    /// Where the intents come from.
    public enum Source: Sendable, Hashable {
        /// Drawn from the loaded personas and domains.
        case generated(count: Int)
        /// Read from a file, only the first `limit` usable records when it is given.
        case file(String, limit: Int?)
    }

    public var source: Source
    public var seed: UInt64
    /// Trajectories at once.
    public var jobs: Int
    /// The directory of the run.
    public var out: String
    /// Names of the plugins.
    public var agent: String
    public var simulator: String
    public var limits: DialogueLimits
    /// The model that the agent may ask; nil for one that asks none.
    public var agentModel: ModelEndpoint?
    public var simulatorModel: ModelEndpoint?
    /// Where plugins are looked for, first match first.
    public var pluginDirectories: [String]

    public init(source: Source, seed: UInt64, out: String, pluginDirectories: [String]) {
        self.source = source
        self.seed = seed
        self.out = out
        self.pluginDirectories = pluginDirectories
        jobs = Self.processors
        agent = "scripted"
        simulator = "scripted"
        limits = DialogueLimits()
    }

    /// Processors that this process may use; the default number of jobs.
    public static var processors: Int { max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))) }

    /// For `run.json`; keys of models are left out.
    public var json: JSONValue {
        var json: JSONValue = [:]
        switch source {
        case .generated(let count): json["count"] = .int(count)
        case .file(let path, let limit):
            json["intents"] = .string(path)
            json["count"] = limit.map(JSONValue.int)
        }
        json["seed"] = .int(Int(clamping: seed))
        json["jobs"] = .int(jobs)
        json["plugins"] = JSONValue(pluginDirectories)
        for member in dialogueSettings.object?.members ?? [] { json[member.key] = member.value }
        return json
    }

    /// For the traces: what has a say in a dialogue, and nothing that hasn't.
    var dialogueSettings: JSONValue {
        var json: JSONValue = [
            "agent": .string(agent), "simulator": .string(simulator), "max_turns": .int(limits.userTurns),
        ]
        json["agent_model"] = agentModel?.json
        json["simulator_model"] = simulatorModel?.json
        return json
    }
}

/// An OpenAI-compatible server and the model to ask there.
public struct ModelEndpoint: Sendable, Hashable {
    /// Up to and with the version: `http://127.0.0.1:8080/v1`.
    public var url: String
    public var model: String
    /// Nil for servers that want none. It is kept out of everything that is written.
    public var key: String?

    public init(url: String, model: String, key: String? = nil) {
        self.url = url
        self.model = model
        self.key = key
    }

    var json: JSONValue { ["url": .string(url), "model": .string(model)] }
}
