import Glibc
import JSON
import Plugins
import TestSupport
import Testing

/// Plugins whose Lua stands in the test.
struct InlinePlugins {
    private let directory: TemporaryDirectory
    private let catalog: PluginCatalog

    init(_ sources: [Source]) throws {
        directory = try TemporaryDirectory()
        for source in sources {
            mkdir(directory.file("\(source.kind)s"), 0o700)
            try directory.write("\(source.kind)s/\(source.name).lua", Array(source.text.utf8))
        }
        catalog = PluginCatalog.load(from: [directory.path])
    }

    func plugin(_ kind: PluginManifest.Kind, _ name: String) throws -> Plugin {
        #expect(catalog.problems.isEmpty)
        return try catalog.plugin(kind: kind, named: name)
    }

    struct Source {
        var kind: String
        var name: String
        var text: String

        init(_ kind: String, _ name: String, _ lua: String) { self.init(kind, name, [:], lua) }

        /// - Parameter manifest: members beyond the required ones.
        init(_ kind: String, _ name: String, _ manifest: JSONValue, _ lua: String) {
            self.kind = kind
            self.name = name
            var header: JSONObject = [
                "api": 1, "kind": .string(kind), "name": .string(name), "version": "0.1.0",
                "description": "Stands in a test.",
            ]
            for (key, value) in manifest.object ?? [:] { header[key] = value }
            text = "--[[plugin \(JSONValue.object(header).compact) ]]\n\(lua)\n"
        }
    }
}
