import Lua
import Synchronization
import Testing

/// Where a host call may wait, and where it may not.
@Suite struct AwaitTests {
    static let later: LuaHostFunction = .waiting("later") { arguments in
        await Task.yield()
        return arguments.first ?? .null
    }

    @Test(arguments: [
        ("plainly", "return later('x')"),
        (
            "in nested calls",
            "local function f() return (later('x')) end local function g() return (f()) end return g()"
        ),
        ("in pcall", "return select(2, pcall(later, 'x'))"),
        ("in pcall of a function", "return select(2, pcall(function() return later('x') end))"),
        ("in nested pcalls", "return select(3, pcall(pcall, function() return later('x') end))"),
        ("in xpcall", "return select(2, xpcall(function() return later('x') end, print))"),
        ("in an iterator", "for v in function() return later('x') end do return v end"),
        ("in __index", "return setmetatable({}, { __index = function() return later('x') end }).k"),
        (
            "in __newindex",
            "local got\nsetmetatable({}, { __newindex = function() got = later('x') end }).k = 1\nreturn got"
        ),
        ("in __add", "return setmetatable({}, { __add = function() return later('x') end }) + 1"),
        ("in __concat", "return setmetatable({}, { __concat = function() return later('x') end }) .. 'y'"),
        ("in __lt", "return setmetatable({}, { __lt = function() return later(true) end }) < 1 and 'x'"),
        (
            "in __eq",
            "local m = { __eq = function() return later(true) end }\nreturn setmetatable({}, m) == setmetatable({}, m) and 'x'"
        ),
        ("in __call", "return setmetatable({}, { __call = function() return later('x') end })()"),
        (
            "in __pairs",
            "for _, v in pairs(setmetatable({}, { __pairs = function() return next, { later('x') } end })) do return v end"
        ),
        (
            "in __close",
            "local got\ndo local c <close> = setmetatable({}, { __close = function() got = later('x') end }) end\nreturn got"
        ),
        ("after an error in pcall", "pcall(error, 'e') return later('x')"),
        ("in a coroutine", "return select(2, coroutine.resume(coroutine.create(function() return later('x') end)))"),
        ("in a wrapped coroutine", "return coroutine.wrap(function() return later('x') end)()"),
        (
            "in nested coroutines",
            "return coroutine.wrap(function() return coroutine.wrap(function() return later('x') end)() end)()"
        ),
        ("in a coroutine in pcall", "return select(2, pcall(coroutine.wrap(function() return later('x') end)))"),
        ("in pcall in a coroutine", "return coroutine.wrap(function() return select(2, pcall(later, 'x')) end)()"),
        (
            "between yields of a coroutine",
            """
            local f = coroutine.wrap(function()
              coroutine.yield(later('a'))
              coroutine.yield(later('x'))
            end)
            f()
            return f()
            """
        ),
    ]) func `A host call may wait`(_ place: String, _ body: String) async throws {
        let lua = try await loaded("return { go = function() \(body)\nend }", [Self.later])
        #expect(try await lua.call("go") == "x", "\(place)")
        #expect(try await lua.call("go") == "x", "\(place), again")
    }

    @Test(arguments: [
        ("a sort comparator", "table.sort({ 2, 1 }, function(a, b) return later(a < b) end)"),
        ("a gsub callback", "('x'):gsub('.', function() return later('y') end)"),
        ("__tostring", "tostring(setmetatable({}, { __tostring = function() return later('x') end }))"),
        ("an error handler", "local _, e = xpcall(error, function() return later('x') end, 'e') error(e, 0)"),
        (
            "a coroutine in a sort comparator",
            "table.sort({ 2, 1 }, function(a, b) return coroutine.wrap(function() return later(a < b) end)() end)"
        ),
        (
            "a coroutine in a gsub callback",
            "('x'):gsub('.', function() return coroutine.wrap(function() return later('y') end)() end)"
        ),
    ]) func `A host call that cannot wait is an error`(_ place: String, _ body: String) async throws {
        let lua = try await loaded(
            "return { go = function() \(body)\nend, ok = function() return later(1) end }", [Self.later])
        let error = await #expect(throws: LuaError.self) { try await lua.call("go") }
        // An error in an error handler has no message of its own in Lua.
        #expect(place == "an error handler" || error?.message.contains("later waits for the host") == true)
        #expect(try await lua.call("ok") == 1, "the state works on")
    }

    @Test func `A refused wait can be caught`() async throws {
        let lua = try await loaded(
            """
            return { go = function()
              local caught
              table.sort({ 2, 1 }, function(a, b)
                caught = select(2, pcall(coroutine.wrap(function() return later(1) end)))
                return a < b
              end)
              return caught, later(1)
            end }
            """, [Self.later])
        #expect(try await lua.call("go").string?.contains("later waits for the host") == true)
    }

    @Test func `Yielding outside of a coroutine is an error`() async throws {
        let lua = try await loaded("return { go = function() coroutine.yield(1) end }")
        let error = await #expect(throws: LuaError.self) { try await lua.call("go") }
        #expect(error?.message == "attempt to yield outside a coroutine")
        #expect(error?.line == 1)
    }

    @Test func `A host error after a wait is raised where the call stands`() async throws {
        let lua = try await loaded(
            """
            return { go = function()
              local ok, e = pcall(function()
                return fails()
              end)
              return { ok = ok, code = e.code, message = e.message, where = e.where, text = tostring(e) }
            end }
            """,
            [
                .waiting("fails") { _ throws(LuaHostError) in
                    await Task.yield()
                    throw LuaHostError("E_NOENT", "no such file")
                }
            ])
        let caught = try await lua.call("go")
        #expect(caught["ok"] == false)
        #expect(caught["code"] == "E_NOENT")
        #expect(caught["where"] == "main.lua:3: ")
        #expect(caught["text"] == "main.lua:3: E_NOENT: no such file")
    }

    @Test func `The deadline ends a wait, and the state serves on`() async throws {
        let lua = try await loaded(
            "return { go = function() return sleep() end, ok = function() return 1 end }",
            [
                .waiting("sleep") { _ in
                    try? await Task.sleep(for: .seconds(60))
                    return .null
                }
            ])
        let error = await #expect(throws: LuaError.self) {
            try await lua.call("go", deadline: .now + .milliseconds(20))
        }
        #expect(error?.kind == .limit(.wall))
        #expect(try await lua.call("ok") == 1)
    }

    @Test func `Cancelling the task ends a wait`() async throws {
        let lua = try await loaded(
            "return { go = function() return sleep() end, ok = function() return 1 end }",
            [
                .waiting("sleep") { _ in
                    try? await Task.sleep(for: .seconds(60))
                    return .null
                }
            ])
        let task = Task { try await lua.call("go") }
        task.cancel()
        let error = await #expect(throws: LuaError.self) { try await task.value }
        #expect(error?.kind == .cancelled)
        #expect(try await lua.call("ok") == 1)
    }

    @Test func `A call of a task that is cancelled already begins nothing at the host`() async throws {
        let begun = Counter()
        let lua = try await loaded(
            "return { go = function() return write() end }",
            [
                .waiting("write") { _ in
                    begun.count()
                    return .null
                }
            ])
        for _ in 0..<50 {
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                return try await lua.call("go")
            }
            task.cancel()
            let error = await #expect(throws: LuaError.self) { try await task.value }
            #expect(error?.kind == .cancelled)
        }
        #expect(begun.value == 0)
    }

    @Test func `A coroutine left by a cancelled call cannot take a later answer`() async throws {
        let lua = try await loaded(
            """
            local co
            return {
              start = function() co = coroutine.create(function() return later('stale') end) coroutine.resume(co) end,
              again = function() later('other') return select(2, coroutine.resume(co)) end,
            }
            """,
            [
                .waiting("later") { arguments in
                    if arguments.first == "stale" { try? await Task.sleep(for: .seconds(60)) }
                    return "secret"
                }
            ])
        await #expect(throws: LuaError.self) { try await lua.call("start", deadline: .now + .milliseconds(10)) }
        #expect(try await lua.call("again").string?.hasSuffix("this host call was cancelled") == true)
    }

    @Test func `The time of several stretches between waits is added up`() async throws {
        let lua = try await loaded(
            """
            local function work() for _ = 1, 1e5 do end end
            return { go = function() while true do work() later(1) end end }
            """, [Self.later], limits: LuaLimits(cpu: .milliseconds(50)))
        let error = await #expect(throws: LuaError.self) { try await lua.call("go") }
        #expect(error?.kind == .limit(.cpu))
    }

    @Test func `States on many tasks are each stopped by their own time`() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<12 {
                group.addTask {
                    let lua = try await loaded(
                        "return { go = function(n) for i = 1, n do later(i) end while true do end end }", [Self.later],
                        limits: LuaLimits(cpu: .milliseconds(50)))
                    let error = await #expect(throws: LuaError.self) { try await lua.call("go", [.int(index)]) }
                    #expect(error?.kind == .limit(.cpu))
                }
            }
            try await group.waitForAll()
        }
    }
}

private final class Counter: Sendable {
    private let number = Atomic(0)
    var value: Int { number.load(ordering: .relaxed) }
    func count() { number.add(1, ordering: .relaxed) }
}
