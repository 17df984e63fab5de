import JSON
import Lua
import Testing

@Suite struct LuaStateTests {
    @Test func `A function of the returned table is called with values`() async throws {
        let lua = try await loaded("return { add = function(a, b) return a + b end }")
        #expect(try await lua.call("add", [2, 40]) == 42)
        #expect(try await lua.call("add", [2, 0.5]) == 2.5)
    }

    @Test func `Values come back as they went`() async throws {
        let lua = try await loaded("return { same = function(v) return v end }")
        let values: [LuaValue] = [
            .null, true, false, 0, .int(.max), .int(.min), 0.1, "", .bytes([0x41, 0xFF, 0xFE, 0x42, 0]), [],
            [1, [], [:]], [:],
            ["a": 1, "b": [.null, "x", .null]], ["n": .null],
        ]
        for value in values { #expect(try await lua.call("same", [value]) == value) }
    }

    @Test func `Objects come back sorted by key`() async throws {
        let lua = try await loaded("return { same = function(v) return v end }")
        let sorted = try await lua.call("same", [["b": 1, "a": 2, "B": 3]])
        #expect(sorted.object?.map { String(decoding: $0.key, as: UTF8.self) } == ["B", "a", "b"])
    }

    @Test func `A host function answers at once`() async throws {
        let lua = try await loaded(
            "return { go = function() return host.double(21) end }",
            [.immediate("host.double") { arguments in .int((arguments.first?.int ?? 0) * 2) }])
        #expect(try await lua.call("go") == 42)
    }

    @Test func `A host function that waits suspends the caller`() async throws {
        let lua = try await loaded(
            "return { go = function() local t = {} for i = 1, 5 do t[i] = host.later(i) end return t end }",
            [
                .waiting("host.later") { arguments in
                    await Task.yield()
                    return arguments[0]
                }
            ])
        #expect(try await lua.call("go") == [1, 2, 3, 4, 5])
    }

    @Test func `Calls from many tasks are answered one after the other`() async throws {
        let lua = try await loaded(
            """
            local inside = 0
            return { go = function(n)
              inside = inside + 1
              local most = inside
              host.later()
              inside = inside - 1
              return most
            end }
            """,
            [
                .waiting("host.later") { _ in
                    await Task.yield()
                    return .null
                }
            ])
        let most = try await withThrowingTaskGroup(of: LuaValue.self) { group in
            for n in 0..<50 { group.addTask { try await lua.call("go", [.int(n)]) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(most == Array(repeating: 1, count: 50))
    }

    @Test func `Data members and functions of the table can be looked at`() async throws {
        let lua = try await loaded("return { name = 'x', list = { 1, 2 }, run = function() end, odd = { f = print } }")
        #expect(try await lua.value("name") == "x")
        #expect(try await lua.value("list") == [1, 2])
        #expect(try await lua.value("absent") == .null)
        #expect(await lua.has("run"))
        #expect(await !lua.has("name"))
        #expect(await !lua.has("absent"))
        await #expect(throws: LuaError.self) { try await lua.value("run") }
    }

    @Test func `Looking at the table does not disturb a call that waits`() async throws {
        let lua = try await loaded(
            "return { n = 7, go = function() return later() end }",
            [
                .waiting("later") { _ in
                    try? await Task.sleep(for: .milliseconds(20))
                    return 42
                }
            ])
        async let result = lua.call("go")
        for _ in 0..<50 {
            #expect(await lua.has("go"))
            await Task.yield()
        }
        #expect(try await lua.value("n") == 7)
        #expect(try await result == 42)
    }

    @Test func `The context gets its host functions`() async throws {
        let lua = try await loaded(
            "return { run = function(args, ctx) return ctx.twice(args.n) + ctx.base end }",
            [.immediate("ctx.twice") { .int(($0[0].int ?? 0) * 2) }])
        #expect(try await lua.call("run", [["n": 4]], context: ["base": 100]) == 108)
    }
}

/// A state with `source` loaded as main.lua.
func loaded(
    _ source: String, _ host: [LuaHostFunction] = [], limits: LuaLimits = LuaLimits(cpu: .seconds(10)), seed: UInt64 = 0
) async throws -> LuaState {
    let all = host.contains { $0.name == "print" } ? host : host + [.immediate("print") { _ in .null }]
    let lua = try LuaState(name: "test", limits: limits, seed: seed, host: all)
    try await lua.load(Array(source.utf8), chunk: "main.lua")
    return lua
}
