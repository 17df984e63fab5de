import Glibc
import JSON
import Plugins
import TestSupport
import Workspaces

/// Where the attacks take place.
enum Arena {
    enum Engine: String, Sendable, CaseIterable { case inProcess, worker }

    static let workers = PluginWorkers()

    /// A catalog of one tool "hostile" from files below its folder, and a blameless one beside it.
    static func catalog(_ files: [String: [UInt8]], engine: Engine = .inProcess) throws -> (
        PluginCatalog, TemporaryDirectory
    ) {
        let directory = try TemporaryDirectory()
        for folder in ["tools", "tools/hostile"] { mkdir(directory.file(folder), 0o755) }
        for (name, bytes) in files {
            var folder = "tools/hostile"
            for part in name.split(separator: "/").dropLast() {
                folder += "/" + part
                mkdir(directory.file(folder), 0o755)
            }
            try directory.write("tools/hostile/\(name)", bytes)
        }
        try directory.write(
            "tools/good.lua",
            Array(
                """
                --[[plugin {"api": 1, "kind": "tool", "name": "good", "version": "1.0.0", "description": "Does no harm."} ]]
                return { run = function() return { text = "good" } end }
                """.utf8))
        let trust = engine == .inProcess ? PluginTrust.all : PluginTrust(directories: [], workers: workers)
        return (PluginCatalog.load(from: [directory.path], trusting: trust), directory)
    }

    static func manifest(_ extra: JSONObject = [:]) -> [UInt8] {
        var object: JSONObject = [
            "api": 1, "kind": "tool", "name": "hostile", "version": "1.0.0", "description": "Means harm.",
            "limits": ["cpu_ms": 60, "memory_mb": 16, "wall_ms": 20_000, "output_kb": 2048],
        ]
        for member in extra.members { object[member.key] = member.value }
        return Array(JSONValue.object(object).compact.utf8)
    }

    static func instance(
        _ source: String, _ extra: JSONObject = [:], engine: Engine, files: [String: String] = [:],
        host: HostServices = HostServices()
    ) async throws -> PluginInstance {
        var all = files.mapValues { Array($0.utf8) }
        all["plugin.json"] = manifest(extra)
        all["main.lua"] = Array(source.utf8)
        let (catalog, _) = try catalog(all, engine: engine)
        return try await PluginInstance(try catalog.plugin(kind: .tool, named: "hostile"), host: host, seed: 1)
    }
}

/// How a call ended.
enum Ending: Sendable, CustomStringConvertible {
    case value(JSONValue)
    case error(PluginError)

    init(_ instance: PluginInstance, _ function: String = "run") async {
        do throws(PluginError) { self = .value(try await instance.call(function, [[:]])) } catch {
            self = .error(error)
        }
    }

    var code: String? {
        if case .error(let error) = self { error.code } else { nil }
    }

    var description: String {
        switch self {
        case .value(let value): "value \(String(value.compact.prefix(200)))"
        case .error(let error): "\(error.code): \(error)"
        }
    }
}

/// A module with one harmful and one harmless function.
func module(_ body: String, before: String = "") -> String {
    "\(before)\nreturn { run = function(args, ctx) \(body)\nend, ok = function() return 'alive' end }"
}
