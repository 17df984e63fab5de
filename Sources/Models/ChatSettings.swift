import Basics
import JSON

/// Who speaks to a model.
public enum ModelRole: String, Sendable, CaseIterable {
    case agent
    case simulator
    /// A tool that asks a model, such as one that looks at images.
    case tool
    /// Embeds texts for searches.
    case embed
}

/// Where a chat model is and how it is spoken to.
public struct ChatSettings: Sendable {
    /// Base URL, as in `https://host/v1`; the client adds `/chat/completions`.
    public var url: String
    public var model: String
    public var key: APIKey?
    /// Go into every request that does not set them itself: `temperature`, `seed`, `max_tokens`, …
    public var parameters: JSONObject = [:]
    /// For one attempt. Models without streaming say nothing until they are done.
    public var timeout: Duration = .seconds(600)
    public var connectTimeout: Duration = .seconds(10)
    public var retry = RetryPolicy()
    public var maximumResponseBytes = 64 << 20

    public init(url: String, model: String, key: APIKey? = nil) {
        self.url = url
        self.model = model
        self.key = key
    }

    /// What the command line says; nil where it says nothing.
    public struct Flags: Sendable {
        public var url: String?
        public var model: String?
        public var key: String?

        public init(url: String? = nil, model: String? = nil, key: String? = nil) {
            self.url = url
            self.model = model
            self.key = key
        }
    }

    /// Settings from the flags `--agent-url`, `--agent-model`, `--agent-key`, else from `ISE_AGENT_URL`,
    /// `ISE_AGENT_MODEL`, `ISE_AGENT_KEY` (`SIMULATOR` likewise), the key at last from `OPENAI_API_KEY`.
    public init(role: ModelRole, flags: Flags, environment: [String: String]) throws(ChatSettingsError) {
        func setting(_ flag: String?, _ name: String) -> String? {
            [flag, environment["ISE_\(role.rawValue.uppercased())_\(name.uppercased())"]]
                .lazy.compactMap { $0?.trimmed }.first { !$0.isEmpty }
        }
        func required(_ flag: String?, _ name: String) throws(ChatSettingsError) -> String {
            guard let value = setting(flag, name) else { throw .missing(role, name) }
            return value
        }
        let url = try Self.base(of: required(flags.url, "url"), role: role)
        let key = setting(flags.key, "key") ?? environment["OPENAI_API_KEY"] ?? ""
        self.init(url: url, model: try required(flags.model, "model"), key: APIKey(key))
    }

    /// As `init(role:flags:environment:)`, but nil when neither flags nor environment say anything of such a model.
    public static func ifGiven(
        role: ModelRole, flags: Flags, environment: [String: String]
    ) throws(ChatSettingsError) -> ChatSettings? {
        let prefix = "ISE_\(role.rawValue.uppercased())_"
        let given = [flags.url, flags.model, environment[prefix + "URL"], environment[prefix + "MODEL"]]
        guard given.contains(where: { $0?.trimmed.isEmpty == false }) else { return nil }
        return try ChatSettings(role: role, flags: flags, environment: environment)
    }

    /// The address of completions, for requests and traces.
    public var endpoint: String { url + "/chat/completions" }

    /// Also takes the full address of the completions and a slash at the end.
    private static func base(of url: String, role: ModelRole) throws(ChatSettingsError) -> String {
        var base = url[...]
        if base.hasSuffix("/") { base = base.dropLast() }
        if base.hasSuffix("/embeddings") { base = base.dropLast("/embeddings".count) }
        if base.hasSuffix("/chat/completions") { base = base.dropLast("/chat/completions".count) }
        if let defect = HTTPRequest("POST", String(base)).defect { throw .unusable(role, url: url, reason: defect) }
        return String(base)
    }
}

/// Settings that a chat model cannot be reached with.
public struct ChatSettingsError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String

    static func missing(_ role: ModelRole, _ name: String) -> ChatSettingsError {
        ChatSettingsError(
            description: """
                the \(role.rawValue)'s model has no \(name): give --\(role.rawValue)-\(name) or set \
                ISE_\(role.rawValue.uppercased())_\(name.uppercased())
                """)
    }

    static func unusable(_ role: ModelRole, url: String, reason: String) -> ChatSettingsError {
        let shown = HTTPRequest("POST", url).publicURL
        return ChatSettingsError(
            description: "the \(role.rawValue)'s model URL \(shown.debugDescription) cannot be used: \(reason); "
                + "it looks like http://127.0.0.1:8080/v1")
    }
}
