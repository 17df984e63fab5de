import Glibc
import JSON
import Plugins
import TestSupport
import Testing

/// Manifests, schemas and folders that mean harm: the plugin is refused or harmless, and its neighbour is there.
@Suite struct ManifestTests {
    private func check(
        _ name: String, _ files: [String: [UInt8]], refused: Bool,
        _ prepare: (TemporaryDirectory) throws -> Void = { _ in }
    ) async throws {
        let (_, directory) = try Arena.catalog(files)
        try prepare(directory)
        let catalog = await PluginCatalog.load(from: [directory.path]).checked()
        let isOut = (try? catalog.plugin(kind: .tool, named: "hostile")) == nil
        let isNamed = !isOut || catalog.problems.contains { $0.file.contains("hostile") }
        let works = (try? catalog.plugin(kind: .tool, named: "good")) != nil
        #expect(Score.note(name, isOut == refused && isNamed && works), "\(catalog.problems)")
    }

    private static let main = Array("return { run = function(args) return 'ran' end }".utf8)

    static let manifests: [(String, String)] = [
        ("a manifest nested a hundred thousand deep", String(repeating: "[", count: 100_000)),
        ("a manifest of open objects", String(repeating: #"{"a":"#, count: 100_000)),
        ("a manifest that is no text", "\u{0}\u{1}\u{2}"),
        ("a manifest that ends early", #"{"api": 1, "kind": "tool", "#),
        (
            "a manifest with a name that is a path",
            #"{"api": 1, "kind": "tool", "name": "../../hostile", "version": "1.0.0", "description": "x"}"#
        ),
        (
            "a manifest with another's name",
            #"{"api": 1, "kind": "tool", "name": "good", "version": "1.0.0", "description": "x"}"#
        ),
        (
            "a manifest of another kind",
            #"{"api": 1, "kind": "agent", "name": "hostile", "version": "1.0.0", "description": "x"}"#
        ),
        (
            "a manifest of a coming age",
            #"{"api": 999999999999999999999, "kind": "tool", "name": "hostile", "version": "1.0.0", "description": "x"}"#
        ),
        (
            "a manifest with limits beyond all numbers",
            #"{"api": 1, "kind": "tool", "name": "hostile", "version": "1.0.0", "description": "x", "limits": {"memory_mb": 9999999999}}"#
        ),
    ]

    @Test(arguments: manifests) func `A hostile manifest is refused`(_ attack: (name: String, text: String))
        async throws
    {
        try await check(
            attack.name, ["plugin.json": Array(attack.text.utf8), "main.lua": Self.main], refused: true)
    }

    private static func nested(_ depth: Int, _ wrap: (JSONValue) -> JSONValue) -> JSONValue {
        (0..<depth).reduce(["type": "string"]) { inner, _ in wrap(inner) }
    }

    static let refusedSchemas: [(String, JSONValue)] = [
        ("a schema that refers outside", ["type": "object", "properties": ["a": ["$ref": "https://example.org/x"]]]),
        ("a pattern without an end", ["type": "object", "properties": ["a": ["type": "string", "pattern": "("]]]),
        (
            "a pattern that counts too far",
            ["type": "object", "properties": ["a": ["type": "string", "pattern": "((a{1000}){1000}){1000}"]]]
        ),
    ]

    @Test(arguments: refusedSchemas) func `A hostile schema is refused`(_ attack: (name: String, schema: JSONValue))
        async throws
    {
        try await check(
            attack.name, ["plugin.json": Arena.manifest(["parameters": attack.schema]), "main.lua": Self.main],
            refused: true)
    }

    static let heavySchemas: [(String, JSONValue, JSONValue)] = [
        (
            "an anyOf that doubles at each level",
            [
                "type": "object", "properties": ["a": nested(14) { ["anyOf": [$0, $0]] }],
                "additionalProperties": false,
            ], ["a": 1]
        ),
        (
            "a pattern with nested repetitions",
            ["type": "object", "properties": ["a": ["type": "string", "pattern": "^(a*)*(a*)*(a*)*b$"]]],
            ["a": .string(String(repeating: "a", count: 20_000))]
        ),
        (
            "an enum of a hundred thousand",
            ["type": "object", "properties": ["a": ["enum": .array((0..<100_000).map { .int($0) })]]], ["a": "no"]
        ),
        (
            "a schema that refers to itself", ["type": "object", "properties": ["a": ["$ref": "#/properties/a"]]],
            ["a": 1]
        ),
        (
            "schemas that refer to each other",
            [
                "type": "object", "properties": ["a": ["$ref": "#/$defs/x"]],
                "$defs": ["x": ["$ref": "#/$defs/y"], "y": ["$ref": "#/$defs/x"]],
            ], ["a": 1]
        ),
        (
            "arguments nested as deep as JSON goes",
            ["type": "object", "properties": ["a": ["type": "array"]]], ["a": nested(400) { [$0] }]
        ),
    ]

    /// The call is answered, with a violation or a result, and not with the end of the process.
    @Test(arguments: heavySchemas) func `A heavy schema is answered`(
        _ attack: (name: String, schema: JSONValue, arguments: JSONValue)
    ) async throws {
        let (catalog, _) = try Arena.catalog(
            ["plugin.json": Arena.manifest(["parameters": attack.schema]), "main.lua": Self.main])
        var answered = !catalog.problems.isEmpty
        if let plugin = try? catalog.plugin(kind: .tool, named: "hostile") {
            let instance = try await PluginInstance(plugin, host: HostServices(), seed: 1)
            do throws(PluginError) {
                answered = try await instance.call("run", [attack.arguments]) == "ran"
            } catch { answered = ["invalid_args", "plugin_bug"].contains(error.code) }
        }
        #expect(Score.note(attack.name, answered))
    }

    // MARK: Folders

    @Test func `A folder is what it holds, not what it points at`() async throws {
        let files = ["plugin.json": Arena.manifest()]
        try await check("a main file that is a link", files, refused: true) { directory in
            symlink("/etc/passwd", directory.file("tools/hostile/main.lua"))
        }
        try await check("a main file that is a pipe", files, refused: true) { directory in
            mkfifo(directory.file("tools/hostile/main.lua"), 0o600)
        }
        try await check("a main file that is a folder", files, refused: true) { directory in
            mkdir(directory.file("tools/hostile/main.lua"), 0o700)
        }
        try await check("a main file of many megabytes", files, refused: true) { directory in
            try directory.write("tools/hostile/main.lua", [UInt8](repeating: 0x20, count: 5 << 20))
        }
        try await check("a manifest that is a device", ["main.lua": Self.main], refused: true) { directory in
            symlink("/dev/zero", directory.file("tools/hostile/plugin.json"))
        }
        try await check("folders without end", ["plugin.json": Arena.manifest(), "main.lua": Self.main], refused: true)
        { directory in
            var path = "tools/hostile"
            for _ in 0..<40 {
                path += "/d"
                mkdir(directory.file(path), 0o700)
            }
        }
        try await check(
            "a folder that contains itself", ["plugin.json": Arena.manifest(), "main.lua": Self.main], refused: false
        ) { directory in
            symlink(directory.file("tools/hostile"), directory.file("tools/hostile/again"))
        }
    }

    @Test func `A file that changes while it is read is never half of two`() async throws {
        let (_, directory) = try Arena.catalog([:])
        func write(_ version: Int) throws {
            let text =
                "--[[plugin \(String(decoding: Arena.manifest(["name": "racer", "version": .string("\(version).0.0")]), as: UTF8.self)) ]]\n"
                + "return { run = function() return '\(version).0.0' end }"
            try directory.write("tools/racer.lua.new", Array(text.utf8))
            rename(directory.file("tools/racer.lua.new"), directory.file("tools/racer.lua"))
        }
        try write(0)
        let shelf = PluginShelf(await PluginCatalog.load(from: [directory.path]).checked())
        let writer = Task { for version in 1...200 { try write(version) } }
        var whole = true
        for _ in 0..<60 {
            let plugin = try await shelf.current().catalog.plugin(kind: .tool, named: "racer")
            let result = try await PluginInstance(plugin, host: HostServices(), seed: 1).call("run", [[:]])
            whole = whole && result.string == plugin.manifest.version.description
        }
        try await writer.value
        #expect(Score.note("a reload race", whole))
    }
}
