import JSON

/// What a run grants its plugins, as a file says it:
///
///     {
///       "plugins": {
///         "*": {"network": [], "limits": {"cpu_ms": 500}},
///         "exec": {"exec": ["bash", "git"], "writes": false},
///         "agent llm": {"model": true, "network": ["api.example.org:443"]}
///       }
///     }
///
/// An entry is for a plugin's name, or its kind and name; key by key, the more exact entry counts, then "*". Every key
/// (see ``PluginCeiling``) may be left out: then the manifest decides alone. A plugin may do what its manifest and the
/// policy both allow.
public struct PluginPolicy: Sendable, Hashable {
    private var entries: [String: PluginCeiling] = [:]

    /// Grants whatever the manifests ask for.
    public init() {}

    /// Unknown keys, wrong types and values out of range are errors that say what would be right.
    public init(_ json: JSONValue) throws(ManifestProblem) {
        let reader = try ManifestReader(json, path: "", known: ["plugins"], of: "the policy")
        guard let plugins = reader["plugins"]?.object else {
            throw reader.wrong("plugins", "an object of plugin names and what each is granted")
        }
        for member in plugins.members {
            guard Self.isName(member.key) else {
                throw ManifestProblem(
                    "\"plugins.\(member.key)\" must be \"*\", a plugin's name, or its kind and name (\"tool exec\")"
                        + Self.kindGuess(member.key), key: member.key)
            }
            entries[member.key] = try PluginCeiling(member.value, path: "plugins.\(member.key)")
        }
    }

    /// Reads a policy file. Throws `invalid_policy`.
    public static func read(_ file: String) throws(PluginError) -> PluginPolicy {
        let reason: String
        do {
            return try PluginPolicy(JSONValue(parsing: PluginFiles.read(file)))
        } catch let failure as PluginFiles.Failure {
            reason = failure.reason
        } catch let error as JSONError {
            reason = "line \(error.line) is no JSON: \(error.reason)"
        } catch {
            reason = "\(error)"
        }
        throw PluginError(code: "invalid_policy", message: "the plugin policy \(file) cannot be used: \(reason)")
    }

    public func ceiling(for manifest: PluginManifest) -> PluginCeiling {
        let names = ["\(manifest.kind.rawValue) \(manifest.name)", manifest.name, "*"]
        return names.compactMap { entries[$0] }.reduce(PluginCeiling()) { $0.over($1) }
    }

    /// What the policy says of plugins that are not there: a misspelt name would grant more than was meant.
    public func problems(among manifests: [PluginManifest]) -> [String] {
        let names = manifests.map(\.name), titles = manifests.map { "\($0.kind.rawValue) \($0.name)" }
        let unknown = entries.keys.filter { $0 != "*" && !names.contains($0) && !titles.contains($0) }.sorted()
        return unknown.map {
            let guess = Suggestion.question(for: $0, among: $0.contains(" ") ? titles : Array(Set(names)).sorted())
            return "the plugin policy names \"\($0)\", and there is no such plugin\(guess)"
        }
    }

    private static func isName(_ key: String) -> Bool {
        let parts = key.split(separator: " ", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return !key.isEmpty
        case 2: return PluginManifest.Kind(rawValue: String(parts[0])) != nil && !parts[1].isEmpty
        default: return false
        }
    }

    private static func kindGuess(_ key: String) -> String {
        let kind = key.prefix { $0 != " " }
        return Suggestion.question(for: String(kind), among: PluginManifest.Kind.allCases.map(\.rawValue))
    }
}
