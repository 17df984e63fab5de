import JSON
import Plugins
import Testing

@Suite struct ShelfTests {
    private func text(_ catalog: PluginCatalog) async throws -> JSONValue? {
        let plugin = try catalog.plugin(kind: .tool, named: "probe")
        return try await PluginInstance(plugin, host: HostServices(), seed: 1).call("run", [[:]])
    }

    private func directory(_ result: String) -> PluginDirectory {
        PluginDirectory([
            "tools/probe/plugin.json": manifest(),
            "tools/probe/main.lua": "return { run = function() return '\(result)' end }",
            "tools/still.lua": "--[[plugin \(manifest("tool", "still")) ]] return { run = print }",
        ])
    }

    @Test func `An edit is there for the next one who asks`() async throws {
        let directory = directory("one")
        let shelf = PluginShelf(await directory.load().checked())
        #expect(try await text(await shelf.current().catalog) == "one")
        directory.write("tools/probe/main.lua", "return { run = function() return 'two' end }")
        let state = await shelf.current()
        #expect(state.news.isEmpty)
        #expect(try await text(state.catalog) == "two")
    }

    @Test func `A broken edit is told once`() async throws {
        let directory = directory("one")
        let shelf = PluginShelf(await directory.load().checked())
        directory.write("tools/probe/main.lua", "return { run = function() return 'two' end")
        let first = await shelf.current()
        #expect(first.news.map(\.file) == [directory.path + "/tools/probe/main.lua"])
        #expect((try? first.catalog.plugin(kind: .tool, named: "probe")) == nil)
        #expect(await shelf.current().news.isEmpty)
        directory.write("tools/probe/main.lua", "return { run = function() return 'three' end }")
        #expect(try await text(await shelf.current().catalog) == "three")
    }

    @Test func `An edit that fails when it is loaded is told too`() async throws {
        let directory = directory("one")
        let shelf = PluginShelf(await directory.load().checked())
        directory.write("tools/probe/main.lua", "error('not today')")
        #expect(await shelf.current().news.map(\.reason) == ["not today"])
    }

    @Test func `What is added and what goes away is noticed`() async throws {
        let directory = directory("one")
        let shelf = PluginShelf(await directory.load().checked())
        directory.write("tools/new.lua", "--[[plugin \(manifest("tool", "new")) ]] return { run = print }")
        #expect(await shelf.current().catalog.plugins(kind: .tool).map(\.manifest.name) == ["new", "probe", "still"])
        directory.remove("tools/still.lua")
        #expect(await shelf.current().catalog.plugins(kind: .tool).map(\.manifest.name) == ["new", "probe"])
    }

    @Test func `A library that changes gives its users another hash`() async throws {
        let directory = PluginDirectory([
            "libraries/kit/plugin.json": manifest("library", "kit"), "libraries/kit/main.lua": "return { n = 1 }",
            "tools/probe/plugin.json": manifest("tool", "probe", ["requires": ["kit": "*"]]),
            "tools/probe/main.lua": "local kit = require('@kit') return { run = function() return kit.n end }",
        ])
        let shelf = PluginShelf(await directory.load().checked())
        let before = try await shelf.current().catalog.plugin(kind: .tool, named: "probe")
        directory.write("libraries/kit/main.lua", "return { n = 2 }")
        let catalog = await shelf.current().catalog
        #expect(try catalog.plugin(kind: .tool, named: "probe").hash != before.hash)
        #expect(try await text(catalog) == 2)
    }
}
