import JSON
import Plugins

/// What a linter has to say of one place.
public struct LintFinding: Sendable, Hashable, CustomStringConvertible {
    public enum Severity: String, Sendable { case error, warning }

    public var severity: Severity
    /// "unknown-name".
    public var rule: String
    /// In the plugin's folder.
    public var file: String
    /// 1-based.
    public var line: Int
    public var message: String

    public init(severity: Severity, rule: String, file: String, line: Int, message: String) {
        self.severity = severity
        self.rule = rule
        self.file = file
        self.line = line
        self.message = message
    }

    public var description: String { "\(file):\(line): \(severity.rawValue): \(message) [\(rule)]" }

    public var json: JSONValue {
        [
            "severity": .string(severity.rawValue), "rule": .string(rule), "file": .string(file), "line": .int(line),
            "message": .string(message),
        ]
    }
}

/// Looks at a plugin without running it. Syntax and manifest are in order: it was read.
public struct Linter: Sendable {
    private let plugin: Plugin
    private let manifest: PluginManifest
    private let chunks: [(file: String, chunk: LuaChunk)]

    public init(_ plugin: Plugin) {
        self.plugin = plugin
        manifest = plugin.manifest
        chunks = plugin.sources.sorted { $0.key < $1.key }.compactMap { file, source in
            LuaChunk(source, chunk: file).map { (file, $0) }
        }
    }

    public func findings() -> [LintFinding] {
        var findings: [LintFinding] = []
        for (file, chunk) in chunks {
            for use in chunk.names { findings += check(use, in: file) }
            findings += callbacks(in: chunk, file: file) + constants(in: chunk, file: file)
        }
        findings += unusedPermissions() + description()
        return findings.sorted { ($0.file, $0.line, $0.message) < ($1.file, $1.line, $1.message) }
    }

    // MARK: Names

    private static let hostLibraries: [String: [String]] = Dictionary(
        grouping: HostReference.functions.filter { !$0.library.isEmpty && $0.library != "ctx" }, by: \.library
    ).mapValues { $0.map(\.member) }

    private static let globals: Set<String> = {
        var names = StandardLibrary.globals
        names.formUnion(StandardLibrary.libraries.keys)
        names.formUnion(hostLibraries.keys)
        names.formUnion(HostReference.functions.filter(\.library.isEmpty).map(\.name))
        return names
    }()

    private func check(_ use: NameUse, in file: String) -> [LintFinding] {
        func finding(_ rule: String, _ message: String) -> [LintFinding] {
            [LintFinding(severity: .error, rule: rule, file: file, line: use.line, message: message)]
        }
        if use.isWrite {
            return finding("global", "cannot set the global \"\(use.name)\"; write \"local \(use.name)\"")
        }
        let parts = use.name.split(separator: ".", maxSplits: 1).map(String.init)
        if let advice = StandardLibrary.absent[use.name] ?? StandardLibrary.absent[parts[0]] {
            return finding("unknown-name", "\"\(use.name)\" is not available to plugins; \(advice)")
        }
        guard Self.globals.contains(parts[0]) else {
            let guess = Suggestion.question(for: parts[0], among: Self.globals)
            return finding("unknown-name", "unknown name \"\(parts[0])\"\(guess)")
        }
        if parts.count == 2, let members = members(of: parts[0]), !members.contains(parts[1]) {
            let guess =
                Suggestion.closest(to: parts[1], among: members).map { "; did you mean \"\(parts[0]).\($0)\"?" } ?? ""
            return finding("unknown-name", "there is no \"\(use.name)\"\(guess)")
        }
        return permission(use).flatMap { finding("permission", $0) }
    }

    private func members(of library: String) -> Set<String>? {
        guard Self.hostLibraries[library] != nil || StandardLibrary.libraries[library] != nil else { return nil }
        var members = StandardLibrary.libraries[library] ?? []
        members.formUnion(Self.hostLibraries[library] ?? [])
        return members.union(HostReference.values(of: library).map(\.name))
    }

    /// A library plugin runs with the permissions of whoever requires it; a plugin that asks `host.has` knows what it does.
    private func permission(_ use: NameUse) -> [String] {
        guard manifest.kind != .library, let permission = HostReference.function(use.name)?.permission,
            let line = permission.missingLine(in: manifest), !chunks.contains(where: { $0.chunk.asksFor(use.name) })
        else { return [] }
        return ["\(use.name) needs \(line), which the manifest does not have"]
    }

    // MARK: Code

    private func callbacks(in chunk: LuaChunk, file: String) -> [LintFinding] {
        chunk.main.callbacks { HostReference.function($0)?.waits == true }.map { callback in
            LintFinding(
                severity: .error, rule: "cannot-wait", file: file, line: callback.line,
                message: "\(callback.name) waits for the host, which a function given to \(callback.caller) cannot; "
                    + "call it before and keep the answer")
        }
    }

    /// Lua 5.4.4, which some systems have, computes such code wrongly.
    private func constants(in chunk: LuaChunk, file: String) -> [LintFinding] {
        chunk.main.all.compactMap { function in
            guard function.constants > 255,
                let place = function.instructions.first(where: { LuaChunk.Operation.bits.contains($0.operation) })
            else { return nil }
            return LintFinding(
                severity: .warning, rule: "many-constants", file: file, line: place.line,
                message:
                    "a function with more than 255 constants computes | & ~ wrongly in Lua 5.4.4; move the data to another file"
            )
        }
    }

    // MARK: Manifest

    private var manifestFile: String { plugin.mainFile == "main.lua" ? "plugin.json" : plugin.mainFile }

    private func warning(_ rule: String, _ message: String, key: String) -> LintFinding {
        LintFinding(severity: .warning, rule: rule, file: manifestFile, line: plugin.line(ofKey: key), message: message)
    }

    /// What the code of the plugin and of its libraries never asks for.
    private func unusedPermissions() -> [LintFinding] {
        guard manifest.kind != .library else { return [] }
        let used = Set((chunks.map(\.chunk) + libraryChunks(plugin)).flatMap { $0.names.map(\.name) })
        func uses(_ permission: (HostPermission) -> Bool) -> Bool {
            HostReference.functions.contains { function in
                function.permission.map(permission) == true
                    && (used.contains(function.name) || used.contains(function.library))
            }
        }
        var findings: [LintFinding] = []
        func unused(_ key: String, _ what: String) {
            findings.append(warning("unused-permission", "the permission to \(what) is never used", key: key))
        }
        let permissions = manifest.permissions
        if !permissions.programs.isEmpty, !uses({ $0.key == HostPermission.exec.key }) {
            unused("exec", "run programs")
        }
        if permissions.model, !uses({ $0.key == HostPermission.model.key }) { unused("model", "ask a model") }
        if permissions.state > 0, !uses({ $0.key == HostPermission.state.key }) { unused("state_kb", "keep state") }
        if permissions.sessions, !uses({ $0.key == HostPermission.sessions.key }) {
            unused("sessions", "start sessions")
        }
        if permissions.schedule, !uses({ $0.key == HostPermission.schedule.key }) { unused("schedule", "schedule") }
        // Programs that it runs may need the files and the network, too.
        guard permissions.programs.isEmpty else { return findings }
        if !permissions.network.isEmpty, !uses({ $0.key == HostPermission.network.key }) {
            unused("network", "use the network")
        }
        let reads = uses { $0.key == HostPermission.read.key && $0.action == HostPermission.read.action }
        let writes = uses { $0.key == HostPermission.write.key && $0.action == HostPermission.write.action }
        if permissions.files.contains(where: \.writes), !writes { unused("fs", "write files (mode \"r\" would do)") }
        if permissions.files.contains(where: \.reads), !reads, !writes { unused("fs", "read files") }
        return findings
    }

    private func libraryChunks(_ plugin: Plugin) -> [LuaChunk] {
        plugin.libraries.values.flatMap { library in
            library.sources.compactMap { LuaChunk($0.value, chunk: $0.key) } + libraryChunks(library)
        }
    }

    /// What a model is told about a tool.
    private func description() -> [LintFinding] {
        guard manifest.kind == .tool else { return [] }
        var findings: [LintFinding] = []
        for property in manifest.parameters?["properties"]?.object?.members ?? []
        where property.value["description"] == nil && property.value["$ref"] == nil {
            findings.append(
                warning(
                    "undocumented", "the parameter \"\(property.key)\" has no description: a model has to guess",
                    key: property.key))
        }
        if manifest.examples.isEmpty {
            findings.append(
                warning(
                    "no-examples", "there are no \"examples\": they document the tool, and each is a test", key: "name")
            )
        }
        return findings
    }
}

extension LuaChunk {
    /// Whether the file asks `host.has` for the function.
    fileprivate func asksFor(_ function: String) -> Bool {
        names.contains { $0.name == "host.has" } && texts.contains { $0 == function || $0.hasPrefix(function + ".") }
    }
}

extension Plugin {
    /// Where a key stands in the manifest; 1 when it is not found.
    func line(ofKey key: String) -> Int {
        let file = mainFile == "main.lua" ? location + "/plugin.json" : location
        guard let text = try? readFile(file) else { return 1 }
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        return (lines.firstIndex { $0.contains("\"\(key)\"") } ?? 0) + 1
    }
}
