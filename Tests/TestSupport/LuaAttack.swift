/// A script that tries to outlive its limits: the body of a function.
public struct LuaAttack: Sendable, CustomStringConvertible {
    public var name: String
    /// The limits that may end it: `cpu`, `memory`, `size`.
    public var limits: Set<Limit>
    public var body: String

    public enum Limit: String, Sendable { case cpu, memory, size }

    init(_ name: String, _ body: String) { self.init(name, [.cpu], body) }

    init(_ name: String, _ limits: Set<Limit>, _ body: String) {
        self.name = name
        self.limits = limits
        self.body = body
    }

    public var description: String { name }
}

extension LuaAttack {
    public static let all: [LuaAttack] = loops + protectedCalls + coroutines + cLoops + matchers + memory

    private static let loops: [LuaAttack] = [
        LuaAttack("endless loop", "while true do end"),
        LuaAttack("endless goto", "::again:: goto again"),
        LuaAttack("endless numeric for", "for i = 1, math.huge do end"),
        LuaAttack("endless recursion through tail calls", "local function f() return f() end f()"),
        LuaAttack("endless calls", "local function f() end while true do f() end"),
        LuaAttack("endless iterator", "for _ in function() return 1 end do end"),
        LuaAttack(
            "endless __index", "local t = setmetatable({}, { __index = function() while true do end end }) return t.x"),
        LuaAttack(
            "endless __eq",
            "local m = { __eq = function() while true do end end }\nreturn setmetatable({}, m) == setmetatable({}, m)"),
        LuaAttack(
            "endless __close", "local x <close> = setmetatable({}, { __close = function() while true do end end })"),
        LuaAttack(
            "endless __close after an error",
            "local x <close> = setmetatable({}, { __close = function() while true do end end }) error('x')"),
        LuaAttack(
            "endless __tostring", "return tostring(setmetatable({}, { __tostring = function() while true do end end }))"
        ),
        LuaAttack(
            "endless __pairs", "for _ in pairs(setmetatable({}, { __pairs = function() while true do end end })) do end"
        ),
    ]

    private static let protectedCalls: [LuaAttack] = [
        LuaAttack("a loop in pcall in a loop", "while true do pcall(function() while true do end end) end"),
        LuaAttack("pcall recursion", "local function f() pcall(f) f() end while true do pcall(f) end"),
        LuaAttack(
            "pcall of a looping __tostring",
            "while true do pcall(tostring, setmetatable({}, { __tostring = function() while true do end end })) end"),
        LuaAttack("an endless xpcall handler", "xpcall(function() error('x') end, function() while true do end end)"),
        LuaAttack(
            "an endless xpcall handler in a loop",
            "while true do xpcall(function() while true do end end, function() while true do end end) end"),
        LuaAttack(
            "an xpcall handler that fails",
            "while true do xpcall(function() while true do end end, function() error('again') end) end"),
        LuaAttack("pcall(pcall)", "while true do pcall(pcall, pcall, function() while true do end end) end"),
        LuaAttack(
            "pcall(error) with large strings", [.cpu, .memory], "while true do pcall(error, ('x'):rep(1 << 20)) end"),
        LuaAttack(
            "pcall of select with many values", "while true do pcall(select, '#', table.unpack({}, 1, 7999)) end"),
    ]

    private static let coroutines: [LuaAttack] = [
        LuaAttack("a loop in a coroutine", "coroutine.wrap(function() while true do end end)()"),
        LuaAttack(
            "a loop in a nested coroutine",
            "coroutine.wrap(function() coroutine.wrap(function() while true do end end)() end)()"),
        LuaAttack(
            "resume in a loop", "while true do coroutine.resume(coroutine.create(function() while true do end end)) end"
        ),
        LuaAttack(
            "endless generator", "for _ in coroutine.wrap(function() while true do coroutine.yield(1) end end) do end"),
        LuaAttack(
            "coroutine.close with an endless __close",
            """
            local co = coroutine.create(function()
              local x <close> = setmetatable({}, { __close = function() while true do end end })
              coroutine.yield()
            end)
            coroutine.resume(co)
            coroutine.close(co)
            """),
        LuaAttack(
            "wrap with an endless __close after an error",
            """
            coroutine.wrap(function()
              local x <close> = setmetatable({}, { __close = function() while true do end end })
              error('x')
            end)()
            """),
        LuaAttack(
            "endless creation", [.cpu, .memory], "local t = {} while true do t[#t + 1] = coroutine.create(print) end"),
    ]

    private static let cLoops: [LuaAttack] = [
        LuaAttack("rep of nothing, many times", "while true do (''):rep(1 << 62) end"),
        LuaAttack("rep of large strings", [.cpu, .memory], "while true do local s = ('x'):rep(1 << 22) end"),
        LuaAttack(
            "rep with a large separator", [.cpu, .memory],
            "while true do local s = ('x'):rep(1000, ('y'):rep(4000)) end"),
        LuaAttack("table.move over everything", "table.move({}, 1, 1 << 62, 2)"),
        LuaAttack(
            "table.move in a loop",
            "local t = {} for i = 1, 1e4 do t[i] = i end while true do table.move(t, 1, 1e4, 2) end"),
        LuaAttack("table.insert in front", [.cpu, .memory], "local t = {} while true do table.insert(t, 1, 1) end"),
        LuaAttack(
            "table.concat of large strings", [.cpu, .memory],
            "local t = {} for i = 1, 1000 do t[i] = ('x'):rep(4000) end while true do table.concat(t) end"),
        LuaAttack("table.unpack in a loop", "while true do table.unpack({}, 1, 7000) end"),
        LuaAttack("an endless comparator", "table.sort({ 3, 2, 1 }, function() while true do end end)"),
        LuaAttack("sort in a loop", "local t = {} for i = 1, 1e5 do t[i] = -i end while true do table.sort(t) end"),
        LuaAttack(
            "a bad comparator",
            "local t = {} for i = 1, 1e4 do t[i] = i end while true do table.sort(t, function() return true end) end"),
        LuaAttack(
            "pairs over large tables", [.cpu, .memory],
            "local t = {} for i = 1, 2e4 do t['k' .. i] = i end while true do for _ in pairs(t) do break end end"),
        LuaAttack(
            "next over large tables",
            "local t = {} for i = 1, 1e4 do t['k' .. i] = i end for k in next, t do end while true do for k in next, t do end end"
        ),
        LuaAttack(
            "upper of large strings", [.cpu, .memory], "local s = ('x'):rep(1 << 22) while true do s:upper() end"),
        LuaAttack("utf8.len of large strings", "local s = ('x'):rep(1 << 22) while true do utf8.len(s) end"),
        LuaAttack(
            "string.format of large strings", [.cpu, .memory],
            "local s = ('x'):rep(1 << 22) while true do string.format('%s', s) end"),
        LuaAttack("string.pack of much padding", [.cpu, .memory], "while true do string.pack('c4000000', '') end"),
        LuaAttack(
            "random.shuffle in a loop",
            "local t = {} for i = 1, 1e5 do t[i] = i end while true do random.shuffle(t) end"),
        LuaAttack("collectgarbage count in a loop", "while true do collectgarbage('count') end"),
        LuaAttack("tostring of new tables", [.cpu, .memory], "while true do tostring({}) end"),
    ]

    private static let matchers: [LuaAttack] = [
        LuaAttack("stacked shortest matches", "(('a'):rep(3000)):find(('.-'):rep(6) .. 'b')"),
        LuaAttack("stacked longest matches", "(('a'):rep(3000)):find(('a*'):rep(8) .. 'b')"),
        LuaAttack("stacked optional items", "(('a'):rep(40)):find(('a?'):rep(40) .. ('a'):rep(40) .. 'b')"),
        LuaAttack("gsub with a quadratic pattern", "(('a'):rep(1 << 20)):gsub('a-b', '')"),
        LuaAttack("gmatch with a quadratic pattern", "for _ in (('a'):rep(1 << 20)):gmatch('.-b') do end"),
        LuaAttack("balance without an end", "(('('):rep(1 << 20)):gsub('%b()', '')"),
        LuaAttack("an endless gsub callback", "('abc'):gsub('.', function() while true do end end)"),
        LuaAttack(
            "an endless gsub table",
            "('abc'):gsub('.', setmetatable({}, { __index = function() while true do end end }))"),
        LuaAttack(
            "find plain in a loop", [.cpu, .memory],
            "local s = ('a'):rep(1 << 21) while true do s:find(('a'):rep(1 << 20) .. 'b', 1, true) end"),
        LuaAttack(
            "the matcher in pcall", "while true do pcall(string.find, ('a'):rep(3000), ('.-'):rep(6) .. 'b') end"),
    ]

    private static let memory: [LuaAttack] = [
        LuaAttack("endless recursion", [.memory, .cpu], "local function f() return f() + 1 end return pcall(f)"),
        LuaAttack(
            "endless recursion through pcall", [.memory, .cpu],
            "local function f() return pcall(f) and f() + 1 end return f()"),
        LuaAttack("doubling a string", [.memory, .cpu], "local s = 'x' while true do s = s .. s end"),
        LuaAttack(
            "doubling a string in pcall", [.memory, .cpu],
            "local s = 'x' while true do pcall(function() s = s .. s end) end"),
        LuaAttack("growing a table", [.memory, .cpu], "local t = {} while true do t[#t + 1] = {} end"),
        LuaAttack(
            "growing a string by gsub", [.memory, .cpu], "local s = 'xx' while true do s = s:gsub('.', '%0%0') end"),
        LuaAttack(
            "growing a string by concat", [.memory, .cpu],
            "local t = { 'x' } while true do t = { table.concat(t, ','), table.concat(t, ',') } end"),
        LuaAttack(
            "growing closures", [.memory, .cpu],
            "local f = print while true do local g = f f = function() return g end end"),
        LuaAttack(
            "a table through rawset", [.memory, .cpu],
            "local t, i = {}, 0 while true do i = i + 1 rawset(t, 'k' .. i, {}) end"),
        LuaAttack(
            "memory in coroutines", [.memory, .cpu],
            "while true do coroutine.wrap(function() local t = {} while true do t[#t + 1] = 'x' .. #t end end)() end"),
        LuaAttack(
            "memory in a close handler", [.memory, .cpu],
            "local x <close> = setmetatable({}, { __close = function() while true do end end })\nlocal s = 'x' while true do s = s .. s end"
        ),
        LuaAttack("a result that is too large", [.size], "return ('x'):rep(3 << 20)"),
        LuaAttack(
            "a nested result that is too large", [.size],
            "local s = ('x'):rep(1 << 20) local t = {} for i = 1, 4 do t[i] = s end return t"),
    ]
}
