import Glibc
import JSON
import Lua
import Plugins
import TestSupport
import Testing

@testable import Authoring

@Suite struct StubsTests {
    @Test func `They are Lua, and name every host function and every argument`() throws {
        let workshop = try Workshop("return { run = function() end }", spec: "")
        let files = Stubs.files(for: [workshop.plugin])
        for file in files where file.name.hasSuffix(".lua") || file.name == ".luacheckrc" {
            #expect(LuaState.syntaxError(in: Array(file.text.utf8), chunk: file.name) == nil, "\(file.name)")
        }
        let host = files[0].text
        for function in HostReference.functions
        where function.library != "ctx" && !["print", "require"].contains(function.name) {
            #expect(host.contains("\nfunction \(function.name)("), "\(function.name)")
        }
        for record in HostReference.records { #expect(host.contains("---@class \(record.name)\n"), "\(record.name)") }
        #expect(files.contains { $0.name == ".host/probe.d.lua" && $0.text.contains("---@field n? integer") })
        let settings = try #require(files.first { $0.name == ".luarc.json" })
        #expect(try JSONValue(parsing: settings.text)["runtime.version"] == "Lua 5.4")
    }

    @Test func `The module of specs is described as it is`() async throws {
        let workshop = try Workshop(
            "return { run = function() end }",
            spec: """
                t.it('lists itself', function()
                  local names = {}
                  for name, value in pairs(t) do
                    if type(value) == 'function' then names[#names + 1] = name end
                  end
                  table.sort(names)
                  t.equal(table.concat(names, ' '), '')
                end)
                """)
        let message = try await workshop.failures().first ?? ""
        let names = message.split(separator: "\"").last?.split(separator: " ").map(String.init) ?? []
        let described = TestStubs.text.split(separator: "\n").compactMap { line in
            line.hasPrefix("function t.") ? line.dropFirst("function t.".count).prefix { $0 != "(" } : nil
        }.map(String.init)
        #expect(Set(names) == Set(described))
    }

    @Test func `Lines with code are those of the compiled file`() throws {
        let source = """
            local function add(a, b)
              -- a comment
              return a + b
            end

            local t = {
              add = add,
            }
            if t.never then
              error("never")
            end
            return t
            """
        let chunk = try #require(LuaChunk(Array(source.utf8), chunk: "a.lua"))
        #expect(chunk.lines == [3, 4, 6, 7, 9, 10, 12])
        #expect(chunk.names.map(\.name) == ["error"])
        #expect(LuaChunk(Array("return {".utf8), chunk: "a.lua") == nil)
    }
}
