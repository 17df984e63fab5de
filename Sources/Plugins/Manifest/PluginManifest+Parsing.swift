import JSON
import Workspaces

extension PluginManifest {
    /// The host API that this program serves.
    public static let currentAPI = 1

    /// Checks a manifest. Unknown keys, wrong types and values out of range are errors that say what would be right.
    public init(_ json: JSONValue) throws(ManifestProblem) {
        let reader = try ManifestReader(json, path: "", known: Self.keys)
        guard let api = reader["api"]?.int else {
            throw reader.wrong("api", "the number of the host API (\(Self.currentAPI))")
        }
        guard api == Self.currentAPI else {
            throw ManifestProblem("host API \(api) is not served here, only \(Self.currentAPI)", key: "api")
        }
        self.api = api
        kind = try Self.kind(reader)
        name = try Self.name(reader)
        let version = try reader.string("version")
        guard let parsed = PluginVersion(version) else { throw reader.wrong("version", "a version such as \"1.0.0\"") }
        self.version = parsed
        description = try reader.string("description")
        parameters = try reader.schema("parameters")
        returns = try reader.schema("returns")
        config = try reader.schema("config")
        effects = try Self.effects(reader)
        permissions = try Self.permissions(reader)
        limits = try Self.limits(reader)
        requires = try Self.requires(reader)
        hostFeatures = try Self.hostFeatures(reader)
        categories = try reader.strings("categories")
        aliases = try Self.aliases(reader, parameters)
        isOnRequest = try reader.bool("on_request") ?? false
        examples = try reader.array("examples")
        self.json = json
        try checkParameters()
    }

    private static let keys = [
        "api", "kind", "name", "version", "description", "parameters", "returns", "config", "effects", "permissions",
        "limits", "requires", "categories", "examples", "on_request", "aliases",
    ]

    private static func kind(_ reader: ManifestReader) throws(ManifestProblem) -> Kind {
        let text = try reader.string("kind")
        if let kind = Kind(rawValue: text) { return kind }
        let kinds = Kind.allCases.map(\.rawValue)
        throw ManifestProblem(
            "unknown kind \"\(text)\"\(Suggestion.question(for: text, among: kinds)); the kinds are "
                + kinds.joined(separator: ", "), key: "kind")
    }

    private static func name(_ reader: ManifestReader) throws(ManifestProblem) -> String {
        let text = try reader.string("name")
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z"), digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let valid = text.utf8.enumerated().allSatisfy { index, byte in
            letters.contains(byte)
                || index > 0 && (digits.contains(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-"))
        }
        guard valid, text.utf8.count <= 64 else {
            throw reader.wrong(
                "name", "at most 64 small letters, digits, \"_\" and \"-\", beginning with a letter")
        }
        return text
    }

    private func checkParameters() throws(ManifestProblem) {
        guard let parameters else {
            if let example = examples.first, kind == .tool, example.object?.isEmpty != true {
                throw ManifestProblem("there are \"examples\" but no \"parameters\" that they fit", key: "examples")
            }
            return
        }
        guard kind == .tool else {
            throw ManifestProblem(
                "\"parameters\" is for tools; settings of a \(kind) go into \"config\"", key: "parameters")
        }
        guard parameters["type"]?.string == "object" else {
            throw ManifestProblem(
                "\"parameters\" must have \"type\": \"object\": a tool gets one table", key: "parameters")
        }
        for (index, example) in examples.enumerated() {
            if case .failure(let violations) = SchemaValidator.validate(example, against: parameters) {
                let first = violations.first.map(\.description) ?? ""
                throw ManifestProblem("examples[\(index)] does not fit \"parameters\": \(first)", key: "examples")
            }
        }
    }

    private static func aliases(
        _ reader: ManifestReader, _ parameters: JSONValue?
    ) throws(ManifestProblem) -> [String: String] {
        guard let value = reader["aliases"] else { return [:] }
        guard let object = value.object else {
            throw reader.wrong("aliases", "an object of other names and the parameters that they stand for")
        }
        var aliases: [String: String] = [:]
        let known = parameters?["properties"]?.object ?? [:]
        for (alias, value) in object {
            guard let name = value.string, known[name] != nil, known[alias] == nil else {
                throw ManifestProblem(
                    "\"aliases.\(alias)\" must be the name of a parameter, and no parameter itself", key: alias)
            }
            aliases[alias] = name
        }
        return aliases
    }

    private static func effects(_ reader: ManifestReader) throws(ManifestProblem) -> PluginEffects {
        let effects = try ManifestReader(
            reader["effects"] ?? [:], path: "effects", known: ["reads", "writes", "network", "idempotent", "parallel"])
        return PluginEffects(
            reads: try effects.bool("reads"), writes: try effects.bool("writes"), network: try effects.bool("network"),
            idempotent: try effects.bool("idempotent"), parallel: try effects.bool("parallel"))
    }

    private static func limits(_ reader: ManifestReader) throws(ManifestProblem) -> PluginLimits {
        let asked = try PluginCeiling.Limits(reader["limits"] ?? [:], path: "limits", of: "the manifest")
        var limits = PluginLimits()
        limits.cpu = asked.cpu ?? limits.cpu
        limits.wall = asked.wall ?? limits.wall
        limits.memory = asked.memory ?? limits.memory
        limits.hostCalls = asked.hostCalls ?? limits.hostCalls
        limits.output = asked.output ?? limits.output
        return limits
    }

    private static func permissions(_ reader: ManifestReader) throws(ManifestProblem) -> PluginPermissions {
        let json = try ManifestReader(
            reader["permissions"] ?? [:], path: "permissions",
            known: ["fs", "exec", "network", "env", "model", "sessions", "schedule", "state_kb"])
        var permissions = PluginPermissions()
        permissions.files = try PluginPermissions.files(json)
        permissions.programs = try json.strings("exec")
        permissions.network = try PluginPermissions.network(json)
        permissions.environment = try json.strings("env")
        permissions.model = try json.bool("model") ?? false
        permissions.sessions = try json.bool("sessions") ?? false
        permissions.schedule = try json.bool("schedule") ?? false
        permissions.state = (try json.positive("state_kb", maximum: 65_536) ?? 0) << 10
        return permissions
    }

    private static func requires(_ reader: ManifestReader) throws(ManifestProblem) -> [String: VersionRequirement] {
        guard let value = reader["requires"] else { return [:] }
        guard let object = value.object else {
            throw reader.wrong("requires", "an object of library names and versions")
        }
        var requires: [String: VersionRequirement] = [:]
        for member in object.members where member.key != "host" {
            guard let text = member.value.string, let requirement = VersionRequirement(text) else {
                throw ManifestProblem(
                    "\"requires.\(member.key)\" must be a version such as \"^1.2\", \">=1.2\", \"1.2.3\" or \"*\"",
                    key: member.key)
            }
            requires[member.key] = requirement
        }
        return requires
    }
}

extension PluginManifest {
    private static func hostFeatures(_ reader: ManifestReader) throws(ManifestProblem) -> [String] {
        guard let value = reader["requires"]?["host"] else { return [] }
        guard let texts = value.array?.map(\.string), case let features = texts.compactMap(\.self),
            features.count == texts.count
        else {
            throw ManifestProblem(#""requires.host" must be a list of features such as ["ws.exec.stdin"]"#, key: "host")
        }
        for feature in features where !HostReference.features.contains(feature) {
            throw ManifestProblem(
                "it requires \"\(feature)\", which this host does not have"
                    + Suggestion.question(for: feature, among: HostReference.features), key: "host")
        }
        return features
    }
}

extension PluginPermissions {
    /// The patterns below "fs".
    static func files(_ reader: ManifestReader) throws(ManifestProblem) -> [Files] {
        var files: [Files] = []
        for (index, entry) in try reader.array("fs").enumerated() {
            let file = try ManifestReader(entry, path: reader.path(of: "fs[\(index)]"), known: ["path", "mode"])
            let mode = try file.string("mode")
            guard ["r", "w", "rw"].contains(mode) else { throw file.wrong("mode", "\"r\", \"w\" or \"rw\"") }
            files.append(
                Files(
                    pattern: PathPattern(try file.string("path")), reads: mode.contains("r"),
                    writes: mode.contains("w")))
        }
        return files
    }

    /// The rules below "network".
    static func network(_ reader: ManifestReader) throws(ManifestProblem) -> [String] {
        let rules = try reader.strings("network")
        for rule in rules where rule != "*" {
            do throws(WorkspaceError) { _ = try EgressRule(rule) } catch {
                throw ManifestProblem("\"\(reader.path(of: "network"))\": \(error.message)", key: "network")
            }
        }
        return rules
    }
}
