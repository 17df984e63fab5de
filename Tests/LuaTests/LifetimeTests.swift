import Lua
import Synchronization
import Testing

/// A Lua error is a jump over C frames; none may jump over a Swift frame that holds references.
@Suite struct LifetimeTests {
    final class Counted: Sendable {
        let alive: Counter
        init(_ alive: Counter) {
            self.alive = alive
            alive.value.add(1, ordering: .relaxed)
        }
        deinit { alive.value.subtract(1, ordering: .relaxed) }
    }

    final class Counter: Sendable {
        let value = Atomic(0)
    }

    @Test func `Errors through host functions release what they hold`() async throws {
        let counter = Counter()
        @Sendable func fails() throws(LuaHostError) -> LuaValue {
            let held = Counted(counter)
            let more = [Counted(counter), held]
            if more.count == 2 { throw LuaHostError("E_IO", "broken") }
            return .null
        }
        let lua = try await loaded(
            """
            return { go = function(n)
              local failed = 0
              for i = 1, n do
                if not pcall(now) then failed = failed + 1 end
                if not pcall(later) then failed = failed + 1 end
                if not pcall(now, print) then failed = failed + 1 end
              end
              return failed
            end }
            """,
            [
                .immediate("now") { _ throws(LuaHostError) in try fails() },
                .waiting("later") { _ throws(LuaHostError) in
                    await Task.yield()
                    return try fails()
                },
            ])
        #expect(try await lua.call("go", [500]) == 1500)
        #expect(counter.value.load(ordering: .relaxed) == 0)
    }

    @Test func `A lock taken in a host function is given back`() async throws {
        let lock = Mutex(0)
        let lua = try await loaded(
            "return { go = function() for i = 1, 100 do pcall(locked) end end }",
            [
                .immediate("locked") { _ throws(LuaHostError) in
                    lock.withLock { $0 += 1 }
                    throw LuaHostError("E_IO", "broken")
                }
            ])
        _ = try await lua.call("go")
        #expect(lock.withLock { $0 } == 100)
    }

    @Test func `A state gives its host functions back`() async throws {
        let counter = Counter()
        do {
            let held = Counted(counter)
            let lua = try await loaded(
                "return { go = function() return later() end }",
                [
                    .waiting("later") { [held] _ in
                        _ = held
                        try? await Task.sleep(for: .seconds(60))
                        return .null
                    }
                ])
            await #expect(throws: LuaError.self) { try await lua.call("go", deadline: .now + .milliseconds(5)) }
        }
        for _ in 0..<1000 where counter.value.load(ordering: .relaxed) > 0 {
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(counter.value.load(ordering: .relaxed) == 0)
    }
}
