import JSON
import Plugins
import Testing

@Suite struct CatalogTests {
    static let tool = "return { run = function() return { text = 'x' } end }"

    @Test func `Plugins are found as folders and as one file`() throws {
        let directory = PluginDirectory([
            "tools/first/plugin.json": manifest("tool", "first"),
            "tools/first/main.lua": Self.tool,
            "tools/second.lua": "--[[plugin\n\(manifest("tool", "second"))\n]]\n\(Self.tool)",
            "tools/third.lua":
                "--[==[plugin\(manifest("tool", "third", ["parameters": ["type": "object", "properties": ["a": ["enum": [["x"]]]]]]))]==]\n\(Self.tool)",
            "guards/calm.lua":
                "--[[plugin \(manifest("guard", "calm"))]] return { check = function() return { ok = true } end }",
            "tools/first/run_spec.lua": "this is no Lua, and no part of the plugin",
            "tools/notes.txt": "ignored",
        ])
        let catalog = directory.load()
        #expect(catalog.problems == [])
        #expect(catalog.plugins(kind: .tool).map(\.manifest.name) == ["first", "second", "third"])
        #expect(try catalog.plugin(kind: .guard, named: "calm").manifest.version.description == "1.0.0")
        #expect(catalog.plugins(kind: .domain).isEmpty)
    }

    @Test func `Broken plugins are listed with their reason and hurt nobody`() async throws {
        let directory = PluginDirectory([
            "tools/good/plugin.json": manifest("tool", "good"), "tools/good/main.lua": Self.tool,
            "tools/syntax/plugin.json": manifest("tool", "syntax"), "tools/syntax/main.lua": "local x\nreturn {,}",
            "tools/module/plugin.json": manifest("tool", "module"), "tools/module/main.lua": Self.tool,
            "tools/module/lib/part.lua": "\n\nreturn ]",
            "tools/unknown/plugin.json":
                "{\n  \"api\": 1, \"kind\": \"tool\", \"name\": \"unknown\",\n  \"version\": \"1.0.0\", \"description\": \"x\",\n  \"timeout\": 3, \"limits\": {}\n}",
            "tools/unknown/main.lua": Self.tool,
            "tools/nojson/plugin.json": "{\n \"api\": 1,,\n}", "tools/nojson/main.lua": Self.tool,
            "tools/nomanifest/main.lua": Self.tool, "tools/nomain/plugin.json": manifest("tool", "nomain"),
            "tools/other/plugin.json": manifest("tool", "another"), "tools/other/main.lua": Self.tool,
            "tools/kind/plugin.json": manifest("guard", "kind"), "tools/kind/main.lua": Self.tool,
            "tools/bare.lua": Self.tool,
        ])
        directory.link("tools/linked", to: "good")
        let problems = Dictionary(grouping: directory.load().problems) {
            String($0.file.dropFirst(directory.path.count + 1))
        }
        .mapValues { $0.map { "\($0.line ?? 0): \($0.reason)" }.joined() }
        #expect(problems["tools/syntax/main.lua"] == "2: unexpected symbol near ','")
        #expect(problems["tools/module/lib/part.lua"] == "3: unexpected symbol near ']'")
        #expect(problems["tools/unknown/plugin.json"]?.hasPrefix("4: unknown key \"timeout\" in the manifest") == true)
        #expect(problems["tools/nojson/plugin.json"]?.hasPrefix("2: the manifest is no JSON: expected a key") == true)
        #expect(problems["tools/nomanifest/plugin.json"]?.contains("could not open") == true)
        #expect(problems["tools/nomain"] == "0: there is no main.lua, the file that returns the plugin's functions")
        #expect(
            problems["tools/other/plugin.json"]
                == "1: it says name \"another\" but its file or folder is called \"other\"")
        #expect(problems["tools/kind/plugin.json"] == "1: it says kind \"guard\" but stands in tools/")
        #expect(problems["tools/bare.lua"]?.hasPrefix("1: a one-file plugin begins with --[[plugin") == true)
        #expect(problems["tools/linked"] == "0: it is a link or a special file, which are not followed")
        #expect(problems.count == 10)
        #expect(directory.load().plugins(kind: .tool).map(\.manifest.name) == ["good"])
    }

    @Test func `Plugins that fail when they are loaded are found by a check`() async throws {
        let limits: JSONObject = ["limits": ["cpu_ms": 50, "memory_mb": 8]]
        let directory = PluginDirectory([
            "tools/good/plugin.json": manifest("tool", "good"), "tools/good/main.lua": Self.tool,
            "tools/endless/plugin.json": manifest("tool", "endless", limits),
            "tools/endless/main.lua": "while true do end",
            "tools/greedy/plugin.json": manifest("tool", "greedy", limits),
            "tools/greedy/main.lua": "local s = 'x' while true do s = s .. s end",
            "tools/raises/plugin.json": manifest("tool", "raises"), "tools/raises/main.lua": "\nerror('no luck')",
            "tools/empty/plugin.json": manifest("tool", "empty"), "tools/empty/main.lua": "return {}",
            "tools/early/plugin.json": manifest("tool", "early", ["permissions": ["exec": ["*"]]]),
            "tools/early/main.lua": "ws.exec({ 'ls' }) return {}",
        ])
        let catalog = directory.load()
        #expect(catalog.problems == [])
        let checked = await catalog.checked()
        #expect(checked.plugins(kind: .tool).map(\.manifest.name) == ["good"])
        let reasons = checked.problems.map { $0.description.dropFirst(directory.path.count + 7) }
        #expect(
            reasons == [
                "early/main.lua:1: ws.exec is not there while the file is being loaded; call it from a function",
                "empty: tool empty: main.lua must return a table with the function \"run\"",
                "endless/main.lua:1: ran out of CPU time: limits.cpu_ms is 50",
                "greedy/main.lua:1: ran out of memory: limits.memory_mb is 8",
                "raises/main.lua:2: no luck",
            ])
    }

    @Test func `An unknown plugin is an error that lists the known`() throws {
        let directory = PluginDirectory([
            "tools/exec/plugin.json": manifest("tool", "exec"), "tools/exec/main.lua": Self.tool,
            "tools/bad/plugin.json": "{", "tools/bad/main.lua": "",
        ])
        let catalog = directory.load()
        let unknown = #expect(throws: PluginError.self) { try catalog.plugin(kind: .tool, named: "exce") }
        #expect(unknown?.code == "unknown_plugin")
        #expect(unknown?.message == "there is no tool named \"exce\"; did you mean \"exec\"? (known: exec)")
        let broken = #expect(throws: PluginError.self) { try catalog.plugin(kind: .tool, named: "bad") }
        #expect(broken?.code == "invalid_plugin")
        #expect(broken?.message.hasPrefix("the tool \"bad\" cannot be used: the manifest is no JSON") == true)
        let none = #expect(throws: PluginError.self) { try catalog.plugin(kind: .agent, named: "llm") }
        #expect(none?.message == "there is no agent named \"llm\" (known: there are none in \(directory.path))")
    }

    @Test func `A missing directory is a problem`() {
        let catalog = PluginCatalog.load(from: ["/nonexistent/plugins"])
        #expect(catalog.problems.map(\.reason) == ["there is no such directory of plugins"])
    }

    @Test func `The first of two plugins with one name counts`() throws {
        let first = PluginDirectory(["tools/a/plugin.json": manifest("tool", "a"), "tools/a/main.lua": Self.tool])
        let second = PluginDirectory([
            "tools/a/plugin.json": manifest("tool", "a"), "tools/a/main.lua": Self.tool + " ",
        ])
        let catalog = PluginCatalog.load(from: [first.path, second.path])
        #expect(try catalog.plugin(kind: .tool, named: "a").location == first.path + "/tools/a")
        #expect(catalog.problems.map(\.reason) == ["the tool a is there already, from \(first.path)/tools/a"])
    }

    @Test func `The same plugin in two places is no problem`() throws {
        let files = ["tools/a/plugin.json": manifest("tool", "a"), "tools/a/main.lua": Self.tool]
        let (first, second) = (PluginDirectory(files), PluginDirectory(files))
        let catalog = PluginCatalog.load(from: [first.path, second.path])
        #expect(try catalog.plugin(kind: .tool, named: "a").location == first.path + "/tools/a")
        #expect(catalog.problems.isEmpty)
    }

    @Test func `The hash covers manifest and sources and nothing else`() throws {
        let directory = PluginDirectory([
            "tools/probe/plugin.json": manifest(), "tools/probe/main.lua": Self.tool,
            "tools/probe/lib/a.lua": "return 1",
        ])
        func hash() throws -> String { try directory.load().plugin(kind: .tool, named: "probe").hash }
        let original = try hash()
        #expect(original.count == 64)
        directory.write("tools/probe/a_spec.lua", "return 1")
        directory.write("tools/probe/README.md", "x")
        #expect(try hash() == original)
        directory.write("tools/probe/lib/a.lua", "return 2")
        let changed = try hash()
        #expect(changed != original)
        directory.write("tools/probe/plugin.json", manifest("tool", "probe", ["version": "1.0.1"]))
        #expect(try hash() != changed)
    }

    @Test func `Libraries are linked by name and version`() async throws {
        let directory = PluginDirectory([
            "libraries/textlib/plugin.json": manifest("library", "textlib", ["version": "1.2.0"]),
            "libraries/textlib/main.lua": "return { name = 'textlib' }",
            "libraries/textlib/wrap.lua": "return { wrap = function(s) return '<' .. s .. '>' end }",
            "tools/good/plugin.json": manifest("tool", "good", ["requires": ["textlib": "^1.1"]]),
            "tools/good/main.lua":
                "local t, w = require('@textlib'), require('@textlib/wrap')\nreturn { run = function() return { text = w.wrap(t.name) } end }",
            "tools/old/plugin.json": manifest("tool", "old", ["requires": ["textlib": "^2.0"]]),
            "tools/old/main.lua": Self.tool,
            "tools/typo/plugin.json": manifest("tool", "typo", ["requires": ["textlab": "*"]]),
            "tools/typo/main.lua": Self.tool,
        ])
        let catalog = directory.load()
        #expect(
            Set(catalog.problems.map(\.reason)) == [
                "requires the library textlib ^2.0, but 1.2.0 is there",
                "requires the library textlab, which is not there or requires this one; did you mean \"textlib\"?",
            ])
        let good = try catalog.plugin(kind: .tool, named: "good")
        let instance = try await PluginInstance(good, host: HostServices(), seed: 0)
        #expect(try await instance.call("run", [[:]])["text"] == "<textlib>")
        directory.write("libraries/textlib/wrap.lua", "return { wrap = print }")
        #expect(
            try directory.load().plugin(kind: .tool, named: "good").hash != good.hash, "a library's change is a change")
    }
}
