import JSON

/// What a run grants a plugin at most. Nil: whatever the manifest asks for. It lowers, it never raises.
public struct PluginCeiling: Sendable, Hashable {
    public var files: [PluginPermissions.Files]?
    /// "*" for any.
    public var programs: [String]?
    /// Rules as in ``PluginPermissions/network``.
    public var network: [String]?
    public var environment: [String]?
    public var model: Bool?
    public var sessions: Bool?
    public var schedule: Bool?
    /// Bytes.
    public var state: Int?
    /// False: neither files nor processes of the plugin change anything.
    public var writes: Bool?
    public var limits = Limits()

    /// Upper bounds; nil: the manifest's.
    public struct Limits: Sendable, Hashable {
        public var cpu: Duration?
        public var wall: Duration?
        public var memory: Int?
        public var hostCalls: Int?
        public var output: Int?

        public init() {}
    }

    public init() {}

    /// This one where it says something, `other` where it does not.
    func over(_ other: PluginCeiling) -> PluginCeiling {
        var result = self
        result.files = files ?? other.files
        result.programs = programs ?? other.programs
        result.network = network ?? other.network
        result.environment = environment ?? other.environment
        result.model = model ?? other.model
        result.sessions = sessions ?? other.sessions
        result.schedule = schedule ?? other.schedule
        result.state = state ?? other.state
        result.writes = writes ?? other.writes
        result.limits.cpu = limits.cpu ?? other.limits.cpu
        result.limits.wall = limits.wall ?? other.limits.wall
        result.limits.memory = limits.memory ?? other.limits.memory
        result.limits.hostCalls = limits.hostCalls ?? other.limits.hostCalls
        result.limits.output = limits.output ?? other.limits.output
        return result
    }
}

extension PluginCeiling {
    static let keys = [
        "fs", "exec", "network", "env", "model", "sessions", "schedule", "state_kb", "writes", "limits",
    ]

    init(_ json: JSONValue, path: String) throws(ManifestProblem) {
        let reader = try ManifestReader(json, path: path, known: Self.keys, of: "the policy")
        if reader["fs"] != nil { files = try PluginPermissions.files(reader) }
        if reader["exec"] != nil { programs = try reader.strings("exec") }
        if reader["network"] != nil { network = try PluginPermissions.network(reader) }
        if reader["env"] != nil { environment = try reader.strings("env") }
        model = try reader.bool("model")
        sessions = try reader.bool("sessions")
        schedule = try reader.bool("schedule")
        state = try reader.natural("state_kb", maximum: 65_536).map { $0 << 10 }
        writes = try reader.bool("writes")
        limits = try Limits(reader["limits"] ?? [:], path: reader.path(of: "limits"))
    }
}

extension PluginCeiling.Limits {
    init(_ json: JSONValue, path: String, of document: String = "the policy") throws(ManifestProblem) {
        let reader = try ManifestReader(
            json, path: path, known: ["cpu_ms", "wall_ms", "memory_mb", "host_calls", "output_kb"], of: document)
        cpu = try reader.positive("cpu_ms", maximum: 600_000).map { .milliseconds($0) }
        wall = try reader.positive("wall_ms", maximum: 86_400_000).map { .milliseconds($0) }
        memory = try reader.positive("memory_mb", maximum: 4096).map { $0 << 20 }
        hostCalls = try reader.positive("host_calls", maximum: 10_000_000)
        output = try reader.positive("output_kb", maximum: 65_536).map { $0 << 10 }
    }
}

extension PluginLimits {
    func lowered(by ceiling: PluginCeiling.Limits) -> PluginLimits {
        var result = self
        result.cpu = min(cpu, ceiling.cpu ?? cpu)
        result.wall = min(wall, ceiling.wall ?? wall)
        result.memory = min(memory, ceiling.memory ?? memory)
        result.hostCalls = min(hostCalls, ceiling.hostCalls ?? hostCalls)
        result.output = min(output, ceiling.output ?? output)
        return result
    }
}
