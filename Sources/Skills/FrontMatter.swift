import Basics
import JSON

/// The front matter of a `SKILL.md`, read strictly: what is misspelled or of the wrong type is an error with its line.
struct FrontMatter {
    var name: String
    var description: String
    var license: String?
    var compatibility: String?
    var version: String?
    var id: String?
    var allowedTools: [String]
    var requirements: SkillRequirements
    var metadata: JSONValue
    var remarks: [SkillProblem] = []

    /// The convention's own keys, and those of agents in the field, which have a meaning there and none here.
    private static let convention = ["name", "description", "license", "compatibility", "metadata", "allowed-tools"]
    private static let others = [
        "version", "id", "author", "homepage", "tags", "domain", "user-invocable", "disable-model-invocation",
        "argument-hint", "model", "agent", "context", "hooks",
    ]

    init(_ text: [UInt8], file: String) throws(SkillProblem) {
        let yaml: YAML
        let block = try Self.block(text, file: file)
        do throws(YAML.Fault) { yaml = try YAML(block) } catch {
            throw SkillProblem(
                file: file, line: error.line + 1, reason: "the front matter is no YAML: \(error.reason)")
        }
        guard let object = yaml.value.object else {
            throw SkillProblem(file: file, line: 2, reason: "the front matter must be a mapping of keys to values")
        }
        var fields = Fields(object: object, lines: yaml.lines, file: file)
        for key in object.keys where !(Self.convention + Self.others).contains(key) {
            let guess = Suggestion.closest(to: key, among: Self.convention + Self.others)
            if let guess { throw fields.problem(key, "unknown key \"\(key)\"; did you mean \"\(guess)\"?") }
            remarks.append(fields.problem(key, "\"\(key)\" is no key of the convention; it belongs under \"metadata\""))
        }
        name = try fields.text("name", longest: 64) ?? ""
        guard Self.isName(name) else {
            throw fields.problem(
                "name", "\"name\" must be lower-case letters, digits and single hyphens between them, not \"\(name)\"")
        }
        guard let description = try fields.text("description", longest: 1024) else {
            throw fields.problem(
                "description", "\"description\" is missing: say what the skill does and when to use it")
        }
        self.description = description
        license = try fields.text("license", longest: 500)
        compatibility = try fields.text("compatibility", longest: 500)
        version = try fields.scalar(fields.object["version"], "version", in: "version")
        id = try fields.text("id", longest: 200)
        allowedTools = try fields.names("allowed-tools")
        metadata = try fields.mapping("metadata") ?? [:]
        if version == nil { version = try fields.scalar(metadata["version"], "version", in: "metadata") }
        if id == nil { id = metadata["id"]?.string }
        requirements = try SkillRequirements(metadata, fields)
    }

    static func isName(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
        }
    }

    /// What stands between the first two lines of `---`.
    private static func block(_ text: [UInt8], file: String) throws(SkillProblem) -> [UInt8] {
        var text = text[...]
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
        let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
        func isFence(_ line: ArraySlice<UInt8>) -> Bool {
            line.starts(with: Array("---".utf8)) && line.dropFirst(3).allSatisfy { $0 == 0x20 || $0 == 0x0D }
        }
        guard let first = lines.first, isFence(first) else {
            throw SkillProblem(file: file, line: 1, reason: "it must begin with --- and its front matter")
        }
        guard let end = lines.dropFirst().firstIndex(where: isFence) else {
            throw SkillProblem(file: file, line: 1, reason: "the front matter has no end: a line of --- is missing")
        }
        return Array(lines[1..<end].joined(separator: [0x0A]))
    }
}

/// Members of the front matter, each asked for with its type.
struct Fields {
    let object: JSONObject
    let lines: [String: Int]
    let file: String

    func problem(_ key: String, _ reason: String) -> SkillProblem {
        // The block begins on the file's second line.
        SkillProblem(file: file, line: (lines[key] ?? 1) + 1, reason: reason)
    }

    func text(_ key: String, longest: Int) throws(SkillProblem) -> String? {
        guard let value = object[key], !value.isNull else { return nil }
        guard let text = value.string else {
            throw problem(key, "\"\(key)\" must be a text, not \(value.typeName): put it in quotes")
        }
        let trimmed = text.trimmed
        guard !trimmed.isEmpty else { throw problem(key, "\"\(key)\" is empty") }
        guard trimmed.count <= longest else {
            throw problem(key, "\"\(key)\" has \(trimmed.count) characters; the most is \(longest)")
        }
        return trimmed
    }

    /// A version is often written as a number.
    func scalar(_ value: JSONValue?, _ path: String, in key: String) throws(SkillProblem) -> String? {
        switch value {
        case nil, .null?: return nil
        case .int?, .double?: return value?.compact
        case .string(let text)? where text.count <= 100: return text
        default: throw problem(key, "\"\(path)\" must be a short text")
        }
    }

    func mapping(_ key: String) throws(SkillProblem) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return nil }
        guard value.object != nil else { throw problem(key, "\"\(key)\" must be a mapping, not \(value.typeName)") }
        return value
    }

    func names(_ key: String) throws(SkillProblem) -> [String] { try names(object[key], key, in: key) }

    /// A list of texts, or one text with names between spaces or commas.
    func names(_ value: JSONValue?, _ path: String, in key: String) throws(SkillProblem) -> [String] {
        switch value {
        case nil, .null?: return []
        case .string(let text)?: return Self.split(text)
        case .array(let elements)?:
            let names = elements.compactMap { $0.string?.trimmed }.filter { !$0.isEmpty }
            guard names.count == elements.count else { throw problem(key, "\"\(path)\" must be a list of names") }
            return names
        case let other?:
            throw problem(
                key, "\"\(path)\" must be a list of names, or a text with spaces between them, not \(other.typeName)")
        }
    }

    /// What stands in parentheses belongs to the name before it: `Bash(git add:*)`.
    private static func split(_ text: String) -> [String] {
        var names = [""]
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if depth == 0, character.isWhitespace || character == "," {
                names.append("")
            } else {
                names[names.count - 1].append(character)
            }
        }
        return names.filter { !$0.isEmpty }
    }
}

extension SkillRequirements {
    /// Agents whose nested form is understood; all have the same one.
    private static let agents = ["ise", "openclaw", "clawdbot", "moltbot"]
    private static let flat = ["requires-bins", "requires-any-bins", "requires-env", "requires-tools", "requires-os"]

    /// From `metadata`: flat (`requires-bins: "python3 jq"`), as the convention has it, or nested as in the field
    /// (`openclaw: {requires: {bins: [jq]}, os: [linux]}`).
    init(_ metadata: JSONValue, _ fields: Fields) throws(SkillProblem) {
        self.init()
        for key in metadata.object?.keys ?? [] where key.hasPrefix("requires") && !Self.flat.contains(key) {
            let guess = Suggestion.question(for: key, among: Self.flat)
            throw fields.problem("metadata", "unknown requirement \"metadata.\(key)\"\(guess)")
        }
        func flat(_ key: String) throws(SkillProblem) -> [String] {
            try fields.names(metadata[key], "metadata." + key, in: "metadata")
        }
        programs = try flat("requires-bins")
        anyPrograms = try flat("requires-any-bins")
        environment = try flat("requires-env")
        tools = try flat("requires-tools")
        systems = try flat("requires-os")
        for agent in Self.agents {
            // Some write it as JSON in a text, since the convention has texts only.
            var nested = metadata[agent]
            if let text = nested?.string { nested = try? JSONValue(parsing: text) }
            guard let nested else { continue }
            let requires = nested["requires"]
            let path = "metadata.\(agent).requires."
            for key in requires?.object?.keys ?? [] where !["bins", "anyBins", "env", "tools", "config"].contains(key) {
                throw fields.problem("metadata", "unknown requirement \"\(path)\(key)\"")
            }
            programs += try fields.names(requires?["bins"], path + "bins", in: "metadata")
            anyPrograms += try fields.names(requires?["anyBins"], path + "anyBins", in: "metadata")
            environment += try fields.names(requires?["env"], path + "env", in: "metadata")
            tools += try fields.names(requires?["tools"], path + "tools", in: "metadata")
            systems += try fields.names(nested["os"], "metadata.\(agent).os", in: "metadata")
        }
    }
}
