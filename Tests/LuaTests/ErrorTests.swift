import Lua
import Testing

@Suite struct ErrorTests {
    private func failure(_ body: String, _ host: [LuaHostFunction] = []) async throws -> LuaError {
        let lua = try await loaded("return { go = function()\n\(body)\nend }", host)
        return try #require(await #expect(throws: LuaError.self) { try await lua.call("go") })
    }

    @Test func `A syntax error names file and line`() async throws {
        let error = try #require(await #expect(throws: LuaError.self) { try await loaded("local x =\n  = 1") })
        #expect(error.kind == .syntax)
        #expect(error.file == "main.lua")
        #expect(error.line == 2)
        #expect(error.message.hasPrefix("unexpected symbol near '='"))
        #expect(LuaState.syntaxError(in: Array("return {".utf8), chunk: "a.lua")?.line == 1)
        #expect(LuaState.syntaxError(in: Array("while true do end".utf8), chunk: "a.lua") == nil)
    }

    @Test func `A runtime error has position and traceback`() async throws {
        let error = try await failure("local t = nil\nlocal function inner() return t.x end\nreturn (inner())")
        #expect(error.kind == .runtime)
        #expect(error.file == "main.lua")
        #expect(error.line == 3)
        #expect(error.message == "attempt to index a nil value (upvalue 't')")
        #expect(error.traceback?.contains("main.lua:4") == true)
        #expect(error.description == "main.lua:3: attempt to index a nil value (upvalue 't')")
    }

    @Test func `A table with a code is a raised error`() async throws {
        let error = try await failure("error({ code = 'not_found', message = 'nothing there', details = { n = 1 } })")
        #expect(error.kind == .raised(code: "not_found", details: ["n": 1]))
        #expect(error.message == "nothing there")
        #expect(error.line == 2)
    }

    @Test func `A host error keeps its code`() async throws {
        let error = try await failure(
            "ws.read('x')",
            [
                .immediate("ws.read") { _ throws(LuaHostError) in
                    throw LuaHostError("E_IO", "disk", details: ["path": "x"])
                }
            ])
        #expect(error.kind == .raised(code: "E_IO", details: ["path": "x"]))
        #expect(error.line == 2)
    }

    @Test(arguments: [
        ("error('text', 0)", "text"), ("error(42)", "error object: 42"), ("error({ 1, 2 })", "error object: [1,2]"),
        ("error(nil)", "(the error object is a nil value that cannot be shown)"),
        ("error(print)", "(the error object is a function value that cannot be shown)"),
        ("error({ print })", "(the error object is a table value that cannot be shown)"),
    ]) func `An error object is shown by its type`(_ body: String, _ message: String) async throws {
        #expect(try await failure(body).message == message)
    }

    @Test func `An error object's tostring does not run after the call`() async throws {
        let lua = try await loaded(
            """
            local ran = false
            return {
              go = function() error(setmetatable({}, { __tostring = function() ran = true return 'x' end })) end,
              ran = function() return ran end,
            }
            """)
        await #expect(throws: LuaError.self) { try await lua.call("go") }
        #expect(try await lua.call("ran") == false)
    }

    @Test func `A missing function is named`() async throws {
        let lua = try await loaded("return {}")
        let error = await #expect(throws: LuaError.self) { try await lua.call("run") }
        #expect(error?.kind == .missing)
        #expect(error?.message == "there is no function 'run'")
    }

    @Test func `A file must return a table`() async throws {
        let error = await #expect(throws: LuaError.self) { try await loaded("return 1") }
        #expect(error?.message == "the file does not return a table")
    }

    @Test(arguments: [
        ("return { f = print }", "result at .f: a function cannot be passed, only data"),
        (
            "return { a = { { b = coroutine.create(print) } } }",
            "result at .a[1].b: a thread cannot be passed, only data"
        ),
        ("return { 1, 2, n = 2 }", "result: a table has string keys and numbers as well"),
        ("return { [3] = 1 }", "result: a sequence has holes; fill them with json.null"),
        ("return { [1.5] = 1 }", "result: a key must be a string or part of a sequence 1..n, not a number"),
        ("return { [true] = 1 }", "result: a key must be a string or part of a sequence 1..n, not a boolean"),
    ]) func `A result that is no data is refused with its place`(_ body: String, _ message: String) async throws {
        let error = try await failure(body)
        #expect(error.kind == .value)
        #expect(error.message == message)
    }

    @Test func `A table that contains itself is refused`() async throws {
        let error = try await failure("local t = {} t.t = t return t")
        #expect(error.kind == .value)
        #expect(error.message.hasSuffix("nested too deeply (does it contain itself?)"))
    }

    @Test func `An argument of a host call is refused with its number`() async throws {
        let error = try await failure("host.take(1, { f = print })", [.immediate("host.take") { _ in .null }])
        #expect(error.message == "argument #2 of host.take at .f: a function cannot be passed, only data")
        #expect(error.line == 2)
    }

    @Test func `Close handlers run after an error and not after a stop`() async throws {
        let lua = try await loaded(
            """
            local closed = 0
            local function guard() return setmetatable({}, { __close = function() closed = closed + 1 end }) end
            return {
              fail = function() local g <close> = guard() error('x') end,
              spin = function() local g <close> = guard() while true do end end,
              closed = function() return closed end,
            }
            """, limits: LuaLimits(cpu: .milliseconds(50)))
        await #expect(throws: LuaError.self) { try await lua.call("fail") }
        #expect(try await lua.call("closed") == 1)
        await #expect(throws: LuaError.self) { try await lua.call("spin") }
        #expect(try await lua.call("closed") == 1)
    }

    @Test func `A host function can end the whole call`() async throws {
        let stop: LuaHostFunction = .immediate("stop") { _ throws(LuaHostError) in
            throw LuaHostError("limit", "enough", endsCall: true)
        }
        let stopLater: LuaHostFunction = .waiting("stopLater") { _ throws(LuaHostError) in
            await Task.yield()
            throw LuaHostError("limit", "enough", endsCall: true)
        }
        for body in [
            "while true do pcall(stop) end", "while true do pcall(stopLater) end",
            "while true do coroutine.resume(coroutine.create(stop)) end",
            "table.sort({ 2, 1 }, function() pcall(stop) end)",
        ] {
            let error = try await failure(body, [stop, stopLater])
            #expect(error.kind == .limit(.host))
            #expect(error.message == "enough")
        }
    }

    @Test func `A too small memory limit is told at the start`() {
        let error = #expect(throws: LuaError.self) { try LuaState(name: "x", limits: LuaLimits(memory: 4000)) }
        #expect(error?.kind == .unavailable)
    }
}
