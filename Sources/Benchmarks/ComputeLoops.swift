import CLua
import Glibc
import Lua
import LuaShim

/// Programs that only compute, under the limits of a plugin and in an interpreter that knows none.
enum ComputeLoops {
    struct Loop {
        var name: String
        /// The body of a function.
        var body: String
    }

    static let all = [
        Loop(name: "integers", body: "local s = 0; for i = 1, 5000000 do s = s + i % 7 end; return s"),
        Loop(
            name: "calls",
            body: "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end; return fib(26)"),
        Loop(
            name: "strings",
            body:
                "local t, n = {}, 0; for i = 1, 60000 do local k = 'k' .. (i % 500); t[k] = (t[k] or 0) + #k; n = n + t[k] end; return n"
        ),
        Loop(
            name: "sieve",
            body:
                "local n, p = 300000, {}; for i = 2, n do p[i] = true end; for i = 2, 550 do if p[i] then for j = i * i, n, i do p[j] = false end end end; return #p"
        ),
    ]

    /// CPU time of this thread, so that neighbours don't count. The two take turns.
    static func measure(rounds: Int, _ report: inout Report) throws {
        for loop in all {
            guard let plain = PlainLua("return function() \(loop.body) end") else {
                throw BenchmarkError("the plain interpreter does not start")
            }
            let limited = ShimCalls("return { one = function() \(loop.body) end }")
            var samples = (plain: Sample(), limited: Sample())
            for round in 0..<rounds + 2 {
                let (first, second) = (plain.duration(), limited.duration(of: 1))
                guard round >= 2 else { continue }
                samples.plain.add(first)
                samples.limited.add(second)
            }
            report.add("\(loop.name): plain Lua", samples.plain)
            report.add("\(loop.name): with limits", samples.limited)
        }
    }
}

/// Thread CPU time.
func processorTime(_ body: () -> Void) -> Duration {
    func now() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
    let start = now()
    body()
    return now() - start
}

/// The state of a plugin without Swift around it.
final class ShimCalls {
    private let shim: OpaquePointer?

    nonisolated(unsafe) static let shared = ShimCalls("return { one = function() return 1 end }")  // one task uses it

    init(_ source: String) {
        var options = LuaShimOptions(
            memory_bytes: 64 << 20, cpu_nanoseconds: 60_000_000_000, request_bytes: 1 << 20, reply_bytes: 1 << 20,
            seed: 1)
        shim = lua_shim_open(&options, { _, _, _, _ in LUA_SHIM_REPLY_ERROR }, nil)
        let bytes = Array(source.utf8)
        if let shim { lua_shim_load(shim, bytes, bytes.count, "bench") }
    }

    deinit { if let shim { lua_shim_close(shim) } }

    /// Of one of `count` calls.
    func duration(of count: Int) -> Duration {
        guard let shim else { return .zero }
        let none = [UInt8(LUA_TAPE_ARRAY), 0, 0, 0, 0]
        return processorTime { for _ in 0..<count { lua_shim_call(shim, "one", none, none.count, false) } } / count
    }
}

/// The interpreter as the distribution has it, all libraries open.
private final class PlainLua {
    private let state: OpaquePointer

    init?(_ source: String) {
        guard let state = luaL_newstate() else { return nil }
        self.state = state
        luaL_openlibs(state)
        guard luaL_loadstring(state, source) == LUA_OK, lua_pcallk(state, 0, 1, 0, 0, nil) == LUA_OK else { return nil }
    }

    deinit { lua_close(state) }

    func duration() -> Duration {
        processorTime {
            lua_pushvalue(state, -1)
            lua_pcallk(state, 0, 0, 0, 0, nil)
        }
    }
}
