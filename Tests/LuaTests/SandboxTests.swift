import Lua
import Synchronization
import Testing

@Suite struct SandboxTests {
    private func result(_ body: String, _ host: [LuaHostFunction] = []) async throws -> LuaValue {
        try await loaded("return { go = function() \(body)\nend }", host).call("go")
    }

    private func failure(_ body: String) async throws -> LuaError {
        let lua = try await loaded("return { go = function() \(body)\nend }")
        return try #require(await #expect(throws: LuaError.self) { try await lua.call("go") })
    }

    @Test(arguments: [
        "os", "io", "load", "loadstring", "loadfile", "dofile", "package", "debug", "_G", "warn", "string.dump",
        "math.randomseed", "collect", "unpack",
    ]) func `What reaches out is not there`(_ name: String) async throws {
        let error = try await failure("return \(name)")
        #expect(error.message.contains("'\(name)'"))
    }

    @Test func `What the globals hold is this and no more`() async throws {
        let names = try await result("local out = {} for k in pairs(_ENV) do out[#out + 1] = k end return out")
        #expect(
            names.array?.compactMap(\.string) == [
                "_VERSION", "assert", "collectgarbage", "coroutine", "error", "getmetatable", "ipairs", "json", "math",
                "next",
                "pairs", "pcall", "print", "random", "rawequal", "rawget", "rawlen", "rawset", "select", "setmetatable",
                "string",
                "table", "tonumber", "tostring", "type", "utf8", "xpcall",
            ])
    }

    @Test func `An unknown name gets a suggestion`() async throws {
        #expect(try await failure("return tostirng(1)").message == "unknown name 'tostirng'; did you mean 'tostring'?")
        #expect(
            try await failure("return ('x'):uper()").message
                == "unknown name 'string.uper'; did you mean 'string.upper'?")
        #expect(try await failure("return zzzzzzzzzzzz").message == "unknown name 'zzzzzzzzzzzz'")
    }

    @Test func `A new global is an error`() async throws {
        #expect(try await failure("count = 1").message == "cannot set the global 'count'; write 'local count'")
        #expect(try await failure("string.trim = print").message == "cannot add 'trim' to 'string'")
        #expect(try await failure("setmetatable(_ENV, {})").message == "cannot change a protected metatable")
        #expect(try await failure("setmetatable(string, {})").message == "cannot change a protected metatable")
    }

    @Test func `Bytecode is not loaded`() async throws {
        let lua = try LuaState(name: "x")
        let error = await #expect(throws: LuaError.self) {
            try await lua.load([0x1B] + Array("Lua".utf8) + [0x54, 0, 0x19, 0x93], chunk: "main.lua")
        }
        #expect(error?.kind == .syntax)
        #expect(error?.message.contains("attempt to load a binary chunk") == true)
    }

    @Test func `The string metatable is out of reach`() async throws {
        #expect(try await result("return getmetatable('')") == false)
    }

    @Test(arguments: ["__gc", "__mode"]) func `Collector hooks are refused`(_ field: String) async throws {
        let error = try await failure("setmetatable({}, { \(field) = 'k' })")
        #expect(error.message.hasPrefix("\(field) is not available to plugins"))
    }

    @Test func `A name that is no string does not unbalance the stack`() async throws {
        let body = """
            local t = setmetatable({}, { __name = 5 })
            local big = ('x'):rep(5000)
            print(t, big, t, big)
            return ('%s %s'):format(t, 'y')
            """
        #expect(try await result(body) == "table#1 y")
    }

    @Test func `Collecting on request is refused`() async throws {
        #expect(try await failure("collectgarbage()").message == "collectgarbage can only \"count\" here")
        #expect(try await result("return collectgarbage('count') > 1") == true)
    }

    @Test func `Addresses do not show`() async throws {
        #expect(try await failure("return ('%p'):format({})").message == "format '%p' would show an address")
        #expect(
            try await result(
                "local t = {} return { tostring(t), tostring(t), tostring({}), ('%5s|%-4s|%%'):format(t, 'x'), tostring(json.null) }"
            )
                == ["table#1", "table#1", "table#2", "table#1|x   |%", "null"])
        #expect(try await result("return tostring(setmetatable({}, { __name = 'Point' }))") == "Point#1")
    }

    /// Lua 5.4.4 crashes on a chain of 20 000: each closes the one before.
    @Test func `A chain of closing coroutines is cut off`() async throws {
        let closed = try await result(
            """
            local previous, closed = nil, 0
            for i = 1, 30000 do
              local inner = previous
              local co = coroutine.create(function()
                local c <close> = setmetatable({}, { __close = function()
                  closed = closed + 1
                  if inner then coroutine.close(inner) end
                end })
                coroutine.yield()
              end)
              coroutine.resume(co)
              previous = co
            end
            coroutine.close(previous)
            return closed
            """)
        #expect(closed == 8)
    }

    @Test(arguments: [
        "local function f(s) return (s:gsub('.', f)) end return pcall(f, 'xx')",
        "local t = {} local function f() return tostring(t) end return pcall(setmetatable(t, { __tostring = f }) and f)",
        "local function f() return coroutine.wrap(f)() end return pcall(f)",
        "local function f() table.sort({ 1, 2 }, f) end return pcall(f)",
        "return pcall(string.find, ('a'):rep(1000), ('(a'):rep(300))",
        "return pcall(string.rep, 'x', 1 << 62)",
        "return pcall(table.unpack, {}, 1, 1e8)",
        "return pcall(table.concat, {}, '', 1, 1 << 62)",
        "local t = setmetatable({}, { __len = function() return 1 << 62 end }) table.insert(t, 1) return #t == 1 << 62 and rawlen(t) ~= 1",
    ]) func `Deep and huge things are errors that can be caught`(_ body: String) async throws {
        #expect(try await result(body) == false)
    }

    @Test func `Deeply nested source is a syntax error`() {
        let source = String(repeating: "(", count: 100_000)
        let error = LuaState.syntaxError(in: Array("return \(source)".utf8), chunk: "main.lua")
        #expect(error?.kind == .syntax)
    }

    @Test func `The library works as usual`() async throws {
        let checks = [
            "('hello world'):find('o w')", "('key = value'):match('^(%w+)%s*=%s*(%w+)$') == 'key'",
            "('a,b,,c'):gsub(',', ';') == 'a;b;;c'", "('abc'):gsub('%w', '%0%0') == 'aabbcc'",
            "('x'):rep(3, '-') == 'x-x-x'",
            "('abc'):gsub('', '-') == '-a-b-c-'", "table.concat({ 1, 2, 3 }, ', ') == '1, 2, 3'",
            "#table.pack(1, nil, 3) >= 1",
            "table.remove({ 1, 2, 3 }) == 3", "table.remove({ 1, 2, 3 }, 1) == 1", "table.remove({}) == nil",
            "select('#', table.unpack({ 1, 2, 3 })) == 3", "table.move({ 1, 2, 3 }, 1, 3, 2)[3] == 2",
            "utf8.char(228, 8364) == 'ä€'", "utf8.len('ä€') == 2", "math.type(3 // 1) == 'integer'",
            "#('x'):rep(0) == 0",
            "string.format('%d %5.2f %q %x', 3, 1.5, 'a', 255) == '3  1.50 \"a\" ff'", "tostring(1e15) == '1e+15'",
            "select(2, pcall(error, { 1 }))[1] == 1", "rawequal('a', 'a')", "next({}) == nil", "('x'):byte() == 120",
            "select(2, coroutine.resume(coroutine.create(function(a) return coroutine.yield(a) end), 5)) == 5",
            "coroutine.isyieldable()", "coroutine.status(coroutine.create(print)) == 'suspended'",
            "tonumber('0x10') == 16",
            "select(2, xpcall(error, function(m) return m .. '!' end, 'e')) == 'e!'",
            "(function() local t = {} table.insert(t, 'a') table.insert(t, 1, 'b') return t[1] .. t[2] end)() == 'ba'",
        ]
        for check in checks { #expect(try await result("return not not (\(check))") == true, "\(check)") }
    }

    @Test func `Modules are loaded once through the host`() async throws {
        let loads = Mutex(0)
        let require: LuaHostFunction = .immediate("require") { arguments throws(LuaHostError) in
            guard arguments[0] == "lib.count" else { throw LuaHostError("E_MODULE", "there is no such module") }
            loads.withLock { $0 += 1 }
            return [
                "chunk": "lib/count.lua", "source": "local n = 0\nreturn { up = function() n = n + 1 return n end }",
            ]
        }
        #expect(
            try await result("require('lib.count').up() return require('lib.count').up()", [require]) == 2)
        #expect(loads.withLock { $0 } == 1)
        #expect(try await result("return select(2, pcall(require, 'other')).code", [require]) == "E_MODULE")
    }

    @Test func `A module that requires itself is an error`() async throws {
        let require: LuaHostFunction = .immediate("require") { _ in ["chunk": "a.lua", "source": "return require('a')"]
        }
        let text = try await result("return select(2, pcall(require, 'a'))", [require]).string
        #expect(text?.contains("module 'a' requires itself") == true)
    }

    @Test func `A denied name says what would allow it`() async throws {
        let denied: LuaHostFunction = .denied("ws.exec", LuaHostError("E_PERMISSION", "needs permissions.exec"))
        let lua = try await loaded(
            "return { go = function() return ws.exec({ 'ls' }) end, typo = function() return ws.raed end }",
            [denied, .immediate("ws.read") { _ in .null }])
        let error = await #expect(throws: LuaError.self) { try await lua.call("go") }
        #expect(error?.kind == .raised(code: "E_PERMISSION", details: nil))
        #expect(error?.message == "needs permissions.exec")
        let typo = await #expect(throws: LuaError.self) { try await lua.call("typo") }
        #expect(typo?.message == "unknown name 'ws.raed'; did you mean 'ws.read'?")
    }

    @Test func `Print gets one text`() async throws {
        let lines = Mutex<[LuaValue]>([])
        _ = try await result(
            "print('a', 1, nil, {}, true)",
            [
                .immediate("print") { arguments in
                    lines.withLock { $0.append(arguments[0]) }
                    return .null
                }
            ])
        #expect(lines.withLock { $0 } == ["a\t1\tnil\ttable#1\ttrue"])
    }
}
