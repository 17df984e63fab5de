import JSON
import Plugins
import Testing

@Suite struct ManifestTests {
    private func problem(_ extra: JSONObject, removing key: String? = nil) throws -> String {
        var json = try JSONValue(parsing: manifest("tool", "probe", extra))
        if let key { json[key] = nil }
        let value = json
        return try #require(#expect(throws: ManifestProblem.self) { try PluginManifest(value) }).message
    }

    @Test func `A full manifest is read`() throws {
        let text = manifest(
            "tool", "grep_count-2",
            [
                "parameters": ["type": "object", "properties": ["text": ["type": "string"]]],
                "effects": ["writes": false, "parallel": true],
                "permissions": ["fs": [["path": "src/**", "mode": "r"]], "exec": ["git"], "model": true],
                "limits": ["cpu_ms": 100, "wall_ms": 2000, "memory_mb": 8, "host_calls": 5, "output_kb": 64],
                "requires": ["textlib": "^1.2"], "categories": ["files"], "examples": [["text": "x"]],
            ])
        let manifest = try PluginManifest(try JSONValue(parsing: text))
        #expect(manifest.kind == .tool)
        #expect(manifest.name == "grep_count-2")
        #expect(manifest.effects.writes == false)
        #expect(manifest.permissions.allowsReading("src/a/b.c"))
        #expect(!manifest.permissions.allowsReading("doc/a"))
        #expect(!manifest.permissions.allowsWriting("src/a"))
        #expect(manifest.permissions.allowsProgram("git") && !manifest.permissions.allowsProgram("/usr/bin/git"))
        #expect(manifest.limits.cpu == .milliseconds(100))
        #expect(manifest.limits.wall == .seconds(2))
        #expect(manifest.limits.memory == 8 << 20)
        #expect(manifest.limits.hostCalls == 5)
        #expect(manifest.limits.output == 64 << 10)
    }

    @Test func `Unknown keys are errors with a suggestion`() throws {
        #expect(
            try problem(["parametres": [:]])
                == "unknown key \"parametres\" in the manifest; did you mean \"parameters\"?")
        #expect(
            try problem(["limits": ["timout_ms": 3]])
                == "unknown key \"timout_ms\" in \"limits\"; did you mean \"cpu_ms\"?"
                || problem(["limits": ["wal_ms": 3]])
                    == "unknown key \"wal_ms\" in \"limits\"; did you mean \"wall_ms\"?"
        )
        #expect(
            try problem(["permissions": ["fs": [["path": "x", "mod": "r"]]]])
                == "unknown key \"mod\" in \"permissions.fs[0]\"; did you mean \"mode\"?")
    }

    static let wrongValues: [(JSONObject, String)] = [
        (["api": 2], "host API 2 is not served here, only 1"),
        (
            ["kind": "tol"],
            "unknown kind \"tol\"; did you mean \"tool\"?; the kinds are tool, persona, domain, simulator, agent, guard, checker, library"
        ),
        (
            ["name": "Probe"],
            "\"name\" must be at most 64 small letters, digits, \"_\" and \"-\", beginning with a letter, not \"Probe\""
        ),
        (
            ["name": "../x"],
            "\"name\" must be at most 64 small letters, digits, \"_\" and \"-\", beginning with a letter, not \"../x\""
        ),
        (["version": "1.0"], "\"version\" must be a version such as \"1.0.0\", not \"1.0\""),
        (["description": ""], "\"description\" must be a text, not \"\""),
        (["limits": ["cpu_ms": 0]], "\"limits.cpu_ms\" must be an integer from 1 to 600000, not 0"),
        (["limits": []], "\"limits\" must be an object, not array"),
        (["effects": ["writes": "no"]], "\"effects.writes\" must be true or false, not \"no\""),
        (["permissions": ["exec": "git"]], "\"permissions.exec\" must be a list of texts, not \"git\""),
        (
            ["permissions": ["fs": [["path": "**", "mode": "x"]]]],
            "\"permissions.fs[0].mode\" must be \"r\", \"w\" or \"rw\", not \"x\""
        ),
        (
            ["requires": ["lib": "latest"]],
            "\"requires.lib\" must be a version such as \"^1.2\", \">=1.2\", \"1.2.3\" or \"*\""
        ),
        (
            ["requires": ["host": ["ws.exec.stdn"]]],
            "it requires \"ws.exec.stdn\", which this host does not have; did you mean \"ws.exec.stdin\"?"
        ),
        (["requires": ["host": "ws.exec"]], "\"requires.host\" must be a list of features such as [\"ws.exec.stdin\"]"),
        (
            ["permissions": ["network": ["https://a.org"]]],
            "\"permissions.network\": \"https://a.org\" is not a rule of an allow-list: it has a scheme or a path; a proxy sees only hosts. A rule is host:port, *.domain:port or a host alone for ports 80 and 443"
        ),
        (["parameters": ["type": "string"]], "\"parameters\" must have \"type\": \"object\": a tool gets one table"),
        (
            ["parameters": ["type": "object", "propertys": [:]]],
            "\"parameters\" uses \"propertys\", which is no keyword of the JSON Schema subset; did you mean \"properties\"?"
        ),
        (
            ["parameters": ["type": "object", "properties": ["a": ["type": "text"]]]],
            "\"parameters.properties.a.type\" must be one or more of null, boolean, integer, number, string, array, object"
        ),
        (
            ["parameters": ["type": "object", "properties": ["a": ["type": "integer", "default": "x"]]]],
            "the default of \"parameters.properties.a\" does not fit: expected integer, got string \"x\""
        ),
        (
            ["parameters": ["type": "object", "properties": ["a": ["pattern": "("]]]],
            "\"parameters.properties.a.pattern\" is no regular expression of the subset: a '(' has no ')'"
        ),
        (
            ["parameters": ["type": "object", "properties": ["a": ["$ref": "#/$defs/b"]]]],
            "\"parameters.properties.a.$ref\": there is nothing at #/$defs/b"
        ),
        (
            ["aliases": ["file_path"]],
            "\"aliases\" must be an object of other names and the parameters that they stand for, not [\"file_path\"]"
        ),
        (
            ["parameters": ["type": "object", "properties": [:]], "examples": [["x": 1]]],
            "examples[0] does not fit \"parameters\": x: unknown member; the known ones are: none"
        ),
    ]

    @Test(arguments: wrongValues) func `A wrong value is named`(_ extra: JSONObject, _ message: String) throws {
        #expect(try problem(extra) == message)
    }

    @Test(arguments: ["api", "kind", "name", "version", "description"]) func `What is missing is named`(_ key: String)
        throws
    {
        let message = try problem([:], removing: key)
        #expect(message.hasPrefix("\"\(key)\" must be ") && message.hasSuffix(", but is missing"))
    }

    @Test(arguments: [
        ("**", "a", true), ("**", "/etc/hosts", true), ("*", "a", true), ("*", "a/b", false), ("a/*", "a/b", true),
        ("a/*", "a/b/c", false), ("a/**", "a/b/c", true), ("a/**/z", "a/z", true), ("a/**/z", "a/b/c/z", true),
        ("a/**/z", "a/b/c/y", false), ("*.txt", "x.txt", true), ("*.txt", "x.text", false), ("f?.c", "fo.c", true),
        ("a/**", "a/../b", false), ("a/**", "./a/./b", true), ("/tmp/**", "/tmp/x", true),
        ("/tmp/**", "/tmp/../etc", false),
        ("src", "/home/user/src", true), ("*", "../other/x", false),
    ]) func `A path pattern matches`(_ pattern: String, _ path: String, _ expected: Bool) {
        #expect(PathPattern(pattern).matches(path) == expected)
    }

    @Test func `Versions are ordered and required`() throws {
        let versions = ["1.0.0-beta", "1.0.0", "1.0.1", "1.2.0", "2.0.0", "10.0.0"]
        #expect(versions.compactMap { PluginVersion($0) }.sorted().map(\.description) == versions)
        for (requirement, version, fits) in [
            ("^1.2", "1.2.0", true), ("^1.2", "1.9.9", true), ("^1.2", "2.0.0", false), ("^1.2", "1.1.9", false),
            ("^0.2", "0.3.0", false), (">=1", "7.0.0", true), ("1.2.3", "1.2.3", true), ("1.2.3", "1.2.4", false),
            ("*", "0.0.1", true),
        ] {
            let accepts = try #require(VersionRequirement(requirement)).accepts(try #require(PluginVersion(version)))
            #expect(accepts == fits, "\(requirement) \(version)")
        }
        #expect(VersionRequirement("latest") == nil)
        #expect(PluginVersion("1.0") == nil)
        #expect(PluginVersion("1.x.0") == nil)
    }
}
