import Lua
import Testing

/// Scripts that try to outlive their limits. Each is stopped by the limit it runs against, and the same state serves the next
/// call: nothing of the attack stays behind.
@Suite struct AttackTests {
    struct Attack: Sendable, CustomTestStringConvertible {
        var name: String
        var limits: Set<LuaError.Limit>
        var body: String

        init(_ name: String, _ body: String) { self.init(name, [.cpu], body) }

        init(_ name: String, _ limits: Set<LuaError.Limit>, _ body: String) {
            self.name = name
            self.limits = limits
            self.body = body
        }

        var testDescription: String { name }
    }

    static let limits = LuaLimits(memory: 16 << 20, cpu: .milliseconds(60), request: 2 << 20)

    @Test(arguments: attacks) func `An attack is stopped by its limit`(_ attack: Attack) async throws {
        let lua = try await loaded(
            "return { ok = function() return 'alive' end, go = function() \(attack.body)\nend }", limits: Self.limits)
        let error = await #expect(throws: LuaError.self) { try await lua.call("go") }
        guard case .limit(let limit) = error?.kind else {
            Issue.record("ended by \(error.map(String.init(describing:)) ?? "nothing")")
            return
        }
        #expect(attack.limits.contains(limit))
        #expect(try await lua.call("ok") == "alive")
    }

    static let attacks: [Attack] = loops + protectedCalls + coroutines + cLoops + matchers + memory

    static let loops: [Attack] = [
        Attack("endless loop", "while true do end"),
        Attack("endless goto", "::again:: goto again"),
        Attack("endless numeric for", "for i = 1, math.huge do end"),
        Attack("endless recursion through tail calls", "local function f() return f() end f()"),
        Attack("endless calls", "local function f() end while true do f() end"),
        Attack("endless iterator", "for _ in function() return 1 end do end"),
        Attack(
            "endless __index", "local t = setmetatable({}, { __index = function() while true do end end }) return t.x"),
        Attack(
            "endless __eq",
            "local m = { __eq = function() while true do end end }\nreturn setmetatable({}, m) == setmetatable({}, m)"),
        Attack("endless __close", "local x <close> = setmetatable({}, { __close = function() while true do end end })"),
        Attack(
            "endless __close after an error",
            "local x <close> = setmetatable({}, { __close = function() while true do end end }) error('x')"),
        Attack(
            "endless __tostring", "return tostring(setmetatable({}, { __tostring = function() while true do end end }))"
        ),
        Attack(
            "endless __pairs", "for _ in pairs(setmetatable({}, { __pairs = function() while true do end end })) do end"
        ),
    ]

    static let protectedCalls: [Attack] = [
        Attack("a loop in pcall in a loop", "while true do pcall(function() while true do end end) end"),
        Attack("pcall recursion", "local function f() pcall(f) f() end while true do pcall(f) end"),
        Attack(
            "pcall of a looping __tostring",
            "while true do pcall(tostring, setmetatable({}, { __tostring = function() while true do end end })) end"),
        Attack("an endless xpcall handler", "xpcall(function() error('x') end, function() while true do end end)"),
        Attack(
            "an endless xpcall handler in a loop",
            "while true do xpcall(function() while true do end end, function() while true do end end) end"),
        Attack(
            "an xpcall handler that fails",
            "while true do xpcall(function() while true do end end, function() error('again') end) end"),
        Attack("pcall(pcall)", "while true do pcall(pcall, pcall, function() while true do end end) end"),
        Attack(
            "pcall(error) with large strings", [.cpu, .memory], "while true do pcall(error, ('x'):rep(1 << 20)) end"),
        Attack("pcall of select with many values", "while true do pcall(select, '#', table.unpack({}, 1, 7999)) end"),
    ]

    static let coroutines: [Attack] = [
        Attack("a loop in a coroutine", "coroutine.wrap(function() while true do end end)()"),
        Attack(
            "a loop in a nested coroutine",
            "coroutine.wrap(function() coroutine.wrap(function() while true do end end)() end)()"),
        Attack(
            "resume in a loop", "while true do coroutine.resume(coroutine.create(function() while true do end end)) end"
        ),
        Attack(
            "endless generator", "for _ in coroutine.wrap(function() while true do coroutine.yield(1) end end) do end"),
        Attack(
            "coroutine.close with an endless __close",
            """
            local co = coroutine.create(function()
              local x <close> = setmetatable({}, { __close = function() while true do end end })
              coroutine.yield()
            end)
            coroutine.resume(co)
            coroutine.close(co)
            """),
        Attack(
            "wrap with an endless __close after an error",
            """
            coroutine.wrap(function()
              local x <close> = setmetatable({}, { __close = function() while true do end end })
              error('x')
            end)()
            """),
        Attack(
            "endless creation", [.cpu, .memory], "local t = {} while true do t[#t + 1] = coroutine.create(print) end"),
    ]

    static let cLoops: [Attack] = [
        Attack("rep of nothing, many times", "while true do (''):rep(1 << 62) end"),
        Attack("rep of large strings", [.cpu, .memory], "while true do local s = ('x'):rep(1 << 22) end"),
        Attack(
            "rep with a large separator", [.cpu, .memory],
            "while true do local s = ('x'):rep(1000, ('y'):rep(4000)) end"),
        Attack("table.move over everything", "table.move({}, 1, 1 << 62, 2)"),
        Attack(
            "table.move in a loop",
            "local t = {} for i = 1, 1e4 do t[i] = i end while true do table.move(t, 1, 1e4, 2) end"),
        Attack("table.insert in front", [.cpu, .memory], "local t = {} while true do table.insert(t, 1, 1) end"),
        Attack(
            "table.concat of large strings", [.cpu, .memory],
            "local t = {} for i = 1, 1000 do t[i] = ('x'):rep(4000) end while true do table.concat(t) end"),
        Attack("table.unpack in a loop", "while true do table.unpack({}, 1, 7000) end"),
        Attack("an endless comparator", "table.sort({ 3, 2, 1 }, function() while true do end end)"),
        Attack("sort in a loop", "local t = {} for i = 1, 1e5 do t[i] = -i end while true do table.sort(t) end"),
        Attack(
            "a bad comparator",
            "local t = {} for i = 1, 1e4 do t[i] = i end while true do table.sort(t, function() return true end) end"),
        Attack(
            "pairs over large tables", [.cpu, .memory],
            "local t = {} for i = 1, 2e4 do t['k' .. i] = i end while true do for _ in pairs(t) do break end end"),
        Attack(
            "next over large tables",
            "local t = {} for i = 1, 1e4 do t['k' .. i] = i end for k in next, t do end while true do for k in next, t do end end"
        ),
        Attack("upper of large strings", [.cpu, .memory], "local s = ('x'):rep(1 << 22) while true do s:upper() end"),
        Attack("utf8.len of large strings", "local s = ('x'):rep(1 << 22) while true do utf8.len(s) end"),
        Attack(
            "string.format of large strings", [.cpu, .memory],
            "local s = ('x'):rep(1 << 22) while true do string.format('%s', s) end"),
        Attack("string.pack of much padding", [.cpu, .memory], "while true do string.pack('c4000000', '') end"),
        Attack(
            "random.shuffle in a loop",
            "local t = {} for i = 1, 1e5 do t[i] = i end while true do random.shuffle(t) end"),
        Attack("collectgarbage count in a loop", "while true do collectgarbage('count') end"),
        Attack("tostring of new tables", [.cpu, .memory], "while true do tostring({}) end"),
    ]

    static let matchers: [Attack] = [
        Attack("stacked shortest matches", "(('a'):rep(3000)):find(('.-'):rep(6) .. 'b')"),
        Attack("stacked longest matches", "(('a'):rep(3000)):find(('a*'):rep(8) .. 'b')"),
        Attack("stacked optional items", "(('a'):rep(40)):find(('a?'):rep(40) .. ('a'):rep(40) .. 'b')"),
        Attack("gsub with a quadratic pattern", "(('a'):rep(1 << 20)):gsub('a-b', '')"),
        Attack("gmatch with a quadratic pattern", "for _ in (('a'):rep(1 << 20)):gmatch('.-b') do end"),
        Attack("balance without an end", "(('('):rep(1 << 20)):gsub('%b()', '')"),
        Attack("an endless gsub callback", "('abc'):gsub('.', function() while true do end end)"),
        Attack(
            "an endless gsub table",
            "('abc'):gsub('.', setmetatable({}, { __index = function() while true do end end }))"),
        Attack(
            "find plain in a loop", [.cpu, .memory],
            "local s = ('a'):rep(1 << 21) while true do s:find(('a'):rep(1 << 20) .. 'b', 1, true) end"),
        Attack("the matcher in pcall", "while true do pcall(string.find, ('a'):rep(3000), ('.-'):rep(6) .. 'b') end"),
    ]

    static let memory: [Attack] = [
        Attack("endless recursion", [.memory, .cpu], "local function f() return f() + 1 end return pcall(f)"),
        Attack(
            "endless recursion through pcall", [.memory, .cpu],
            "local function f() return pcall(f) and f() + 1 end return f()"),
        Attack("doubling a string", [.memory, .cpu], "local s = 'x' while true do s = s .. s end"),
        Attack(
            "doubling a string in pcall", [.memory, .cpu],
            "local s = 'x' while true do pcall(function() s = s .. s end) end"),
        Attack("growing a table", [.memory, .cpu], "local t = {} while true do t[#t + 1] = {} end"),
        Attack(
            "growing a string by gsub", [.memory, .cpu], "local s = 'xx' while true do s = s:gsub('.', '%0%0') end"),
        Attack(
            "growing a string by concat", [.memory, .cpu],
            "local t = { 'x' } while true do t = { table.concat(t, ','), table.concat(t, ',') } end"),
        Attack(
            "growing closures", [.memory, .cpu],
            "local f = print while true do local g = f f = function() return g end end"),
        Attack(
            "a table through rawset", [.memory, .cpu],
            "local t, i = {}, 0 while true do i = i + 1 rawset(t, 'k' .. i, {}) end"),
        Attack(
            "memory in coroutines", [.memory, .cpu],
            "while true do coroutine.wrap(function() local t = {} while true do t[#t + 1] = 'x' .. #t end end)() end"),
        Attack(
            "memory in a close handler", [.memory, .cpu],
            "local x <close> = setmetatable({}, { __close = function() while true do end end })\nlocal s = 'x' while true do s = s .. s end"
        ),
        Attack("a result that is too large", [.size], "return ('x'):rep(3 << 20)"),
        Attack(
            "a nested result that is too large", [.size],
            "local s = ('x'):rep(1 << 20) local t = {} for i = 1, 4 do t[i] = s end return t"),
    ]
}
