import Dialogue
import Glibc
import JSON
import Models
import Skills
import Workspaces

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
    /// Bytes that must be free there for another trajectory to be started.
    public var minimumFree = 256 << 20
    /// Names of the plugins.
    public var agent: String
    public var simulator: String
    public var limits: DialogueLimits
    /// The models that agent and simulator may ask, as far as flags say; the rest comes from `environment`.
    public var agentModel = ChatSettings.Flags()
    public var simulatorModel = ChatSettings.Flags()
    /// Settings of the agent's and the simulator's own, as JSON objects.
    public var agentConfig: String?
    public var simulatorConfig: String?
    /// What brings tools of its own into each workspace.
    public var toolSources: [any ToolSource] = []
    /// Names of tools or categories; empty: the usual ones.
    public var tools: [String] = []
    public var toolSettings = ToolSettings()
    /// Of the workspaces.
    public var policy = PolicyFile()
    /// What the agent may be shown, as far as it is of use in the workspaces.
    public var skills: [Skill] = []
    public var environment: [String: String]
    /// Where plugins are looked for, first match first.
    public var pluginDirectories: [String]

    public init(
        source: Source, seed: UInt64, out: String, pluginDirectories: [String],
        environment: [String: String] = RunConfiguration.processEnvironment
    ) {
        self.source = source
        self.seed = seed
        self.out = out
        self.pluginDirectories = pluginDirectories
        self.environment = environment
        jobs = Self.processors
        agent = "scripted"
        simulator = "scripted"
        limits = DialogueLimits()
    }

    /// Processors that this process may use; the default number of jobs.
    public static var processors: Int { max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))) }

    /// The variables of this process.
    public static var processEnvironment: [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let variable = entry.pointee {
            let parts = String(cString: variable).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return variables
    }

    /// What `run.json` says beside the settings of the dialogues.
    var json: JSONValue {
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
        json["policy"] = policy.json
        json["policy_digest"] = .string(policy.digest.description)
        if !skills.isEmpty { json["skills"] = .object(JSONObject(skills.map { ($0.name, .string($0.hash)) })) }
        return json
    }
}
