import JSON
import Lua
import Testing

@testable import Plugins

@Suite struct HostReferenceTests {
    /// A plugin with every permission that there is.
    private static func everything() throws -> Plugin {
        let permissions: JSONValue = [
            "exec": ["*"], "fs": [["path": "**", "mode": "rw"]], "network": ["*"], "env": ["HOME"], "model": true,
            "sessions": true, "schedule": true,
            "state_kb": 1,
        ]
        let directory = PluginDirectory([
            "tools/probe/plugin.json": manifest("tool", "probe", ["permissions": permissions]),
            "tools/probe/main.lua": "return {run = function() end}",
        ])
        return try directory.load().plugin(kind: .tool, named: "probe")
    }

    @Test func `It has exactly the functions that the host registers`() throws {
        let plugin = try Self.everything()
        let table = HostTable(
            session: HostSession(plugin.manifest, HostServices()), modules: PluginModules(plugin: plugin))
        let registered = table.functions.map(\.name)
        let described =
            HostReference.functions.filter { $0.origin == .host }.map(\.name)
            + HostReference.values.map(\.name).filter { $0 != "json.null" }  // that is the interpreter's
        #expect(Set(registered).subtracting(described) == [], "describe them in HostReference")
        #expect(Set(described).subtracting(registered) == [], "the host does not register them")
        #expect(Set(described).count == described.count)
        #expect(table.functions.filter(\.isDenied).map(\.name) == [], "this manifest should grant everything")
    }

    @Test func `Without permissions exactly those are denied that need one`() throws {
        let directory = PluginDirectory([
            "tools/probe/plugin.json": manifest(), "tools/probe/main.lua": "return {run = function() end}",
        ])
        let plugin = try directory.load().plugin(kind: .tool, named: "probe")
        let table = HostTable(
            session: HostSession(plugin.manifest, HostServices()), modules: PluginModules(plugin: plugin))
        let denied = table.functions.filter(\.isDenied).map(\.name)
        let described = HostReference.functions.filter { $0.permission.map { !$0.isGranted(plugin.manifest) } ?? false }
        #expect(Set(denied) == Set(described.map(\.name)))
    }

    @Test func `The interpreter has what the reference says it has, and no more in its libraries`() async throws {
        let names = HostReference.functions.filter { $0.origin == .interpreter }.map(\.name)
        let globals = StandardLibrary.globals.sorted() + names + HostReference.values.map(\.name)
        let tables = StandardLibrary.libraries.map { library, members in
            "check(\(library), '\(library)', {\(members.map { "\($0)=true" }.joined(separator: ","))})"
        }
        let source = """
            local wrong = json.array{}
            local function check(library, name, members)
              for member in pairs(library) do
                if not members[member] then wrong[#wrong + 1] = name .. "." .. member .. " is not described" end
              end
              for member in pairs(members) do
                if not pcall(function() return library[member] end) then wrong[#wrong + 1] = name .. "." .. member end
              end
            end
            \(globals.map { "if not pcall(function() return \($0) end) then wrong[#wrong + 1] = '\($0)' end" }
                .joined(separator: "\n"))
            \(tables.joined(separator: "\n"))
            return {run = function() return {wrong = wrong} end}
            """
        let plugin = try await probe(source)
        let result = try await plugin.call("run", [[:]])
        #expect(result["wrong"] == [])
    }

    @Test func `Every type in it is one of Lua's or a record of it`() {
        let records = Set(HostReference.records.map(\.name))
        let plain: Set<String> = [
            "string", "integer", "number", "boolean", "table", "any", "table<string, string>", "random",
        ]
        func base(_ type: String) -> String {
            var type = type
            if type.hasSuffix("?") { type.removeLast() }
            if type.hasSuffix("[]") { type.removeLast(2) }
            return type
        }
        let functions = HostReference.functions
        var types = functions.compactMap(\.result)
        for function in functions { types += (function.parameters + function.options).map(\.type) }
        for record in HostReference.records { types += record.fields.map(\.type) }
        #expect(Set(types.map(base)).subtracting(records).subtracting(plain) == [])
        #expect(functions.allSatisfy { $0.doc.hasSuffix(".") }, "one sentence each")
    }
}
