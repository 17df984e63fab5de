import JSON

/// What a plugin says about itself, as data: reading it runs nothing of the plugin.
public struct PluginManifest: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case tool, persona, domain, simulator, agent, `guard`, checker, library

        /// The folder below a plugin directory where plugins of the kind stand.
        public var folder: String { self == .library ? "libraries" : rawValue + "s" }
    }

    /// Version of the host API.
    public var api: Int
    public var kind: Kind
    public var name: String
    public var version: PluginVersion
    /// For the model or the user.
    public var description: String
    /// JSON Schema of a tool's arguments.
    public var parameters: JSONValue?
    /// Other names that a tool takes for its parameters, as models know them from elsewhere: `{"file_path": "path"}`. Models are
    /// not told of them.
    public var aliases: [String: String]
    /// JSON Schema of the result.
    public var returns: JSONValue?
    /// JSON Schema of the settings that a run may give.
    public var config: JSONValue?
    public var effects: PluginEffects
    public var permissions: PluginPermissions
    public var limits: PluginLimits
    /// Library plugins by name.
    public var requires: [String: VersionRequirement]
    /// What the host must have (``HostReference/features``).
    public var hostFeatures: [String]
    public var categories: [String]
    /// A tool that only runs which name it, or a category of it, offer to their agents.
    public var isOnRequest: Bool
    /// Arguments that fit `parameters`.
    public var examples: [JSONValue]

    /// The manifest as it was written.
    public var json: JSONValue

    /// The arguments under the parameters' own names. A parameter that is given under two names is left for the schema to refuse.
    func withoutAliases(_ arguments: JSONValue) -> JSONValue {
        guard !aliases.isEmpty, let object = arguments.object else { return arguments }
        var renamed: JSONObject = [:]
        for (key, value) in object {
            let name = aliases[key].flatMap { object[$0] == nil ? $0 : nil } ?? key
            renamed[name] = value
        }
        return .object(renamed)
    }

    /// "tool exec".
    public var title: String { "\(kind.rawValue) \(name)" }
}

/// What a plugin does to the world. nil: not declared, anything may be.
public struct PluginEffects: Sendable, Hashable {
    public var reads: Bool?
    public var writes: Bool?
    public var network: Bool?
    public var idempotent: Bool?
    public var parallel: Bool?
}

/// What one call may use. The manifest asks; a run may lower, never raise.
public struct PluginLimits: Sendable, Hashable {
    /// CPU time in Lua, waiting not counted.
    public var cpu = Duration.seconds(2)
    /// From the start of a call to its end.
    public var wall = Duration.seconds(180)
    /// Bytes on the Lua heap.
    public var memory = 64 << 20
    /// Host calls in one call.
    public var hostCalls = 10_000
    /// Bytes of a result.
    public var output = 4 << 20

    public init() {}
}
