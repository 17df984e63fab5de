import Authoring
import Glibc
import JSON
import Plugins
import TestSupport
import Workspaces

/// A manifest of a tool "probe" that may do everything.
func manifest(_ kind: String = "tool", _ name: String = "probe", _ extra: JSONObject = [:]) -> String {
    var object: JSONObject = [
        "api": 1, "kind": .string(kind), "name": .string(name), "version": "1.0.0", "description": "For a test.",
    ]
    if kind == "tool" {
        object["parameters"] = ["type": "object", "properties": ["n": ["type": "integer"]]]
        object["permissions"] = ["exec": ["*"], "fs": [["path": "**", "mode": "rw"]], "model": true]
    }
    for member in extra.members { object[member.key] = member.value }
    return JSONValue.object(object).compact
}

/// A plugin in a directory that is deleted when this goes.
struct Workshop {
    let directory: TemporaryDirectory
    let plugin: Plugin

    init(
        kind: PluginManifest.Kind = .tool, _ source: String, spec: String, extra: JSONObject = [:],
        files: [String: String] = [:]
    ) throws {
        directory = try TemporaryDirectory()
        let folder = "\(kind.folder)/probe"
        var all = [
            "\(folder)/plugin.json": manifest(kind.rawValue, "probe", extra), "\(folder)/main.lua": source,
            "\(folder)/spec/probe_spec.lua": "local t = require('@test')\n" + spec,
        ]
        for (name, text) in files { all["\(folder)/\(name)"] = text }
        for (name, text) in all { try directory.put(name, text) }
        plugin = try PluginCatalog.load(from: [directory.path]).plugin(kind: kind, named: "probe")
    }

    func run(_ change: (inout SpecRunner.Options) -> Void = { _ in }, host: WorkspaceHost? = nil) async throws
        -> [TestResult]
    {
        var options = SpecRunner.Options()
        change(&options)
        return try await SpecRunner(plugin, options, host: host).run()
    }

    /// "probe_spec.lua:3: message" of each test that failed.
    func failures(_ change: (inout SpecRunner.Options) -> Void = { _ in }) async throws -> [String] {
        try await run(change).compactMap(\.failure).map { "\($0.file ?? "?"):\($0.line ?? 0): \($0.message)" }
    }
}

extension TemporaryDirectory {
    /// Writes a text, with the folders above it.
    func put(_ name: String, _ text: String) throws {
        var folder = path
        for part in name.split(separator: "/").dropLast() {
            folder += "/" + part
            mkdir(folder, 0o755)
        }
        try write(name, Array(text.utf8))
    }
}
