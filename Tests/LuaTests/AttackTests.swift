import Lua
import TestSupport
import Testing

/// Scripts that try to outlive their limits. Each is stopped by the limit it runs against, and the same state serves the next
/// call: nothing of the attack stays behind.
@Suite struct AttackTests {
    static let limits = LuaLimits(memory: 16 << 20, cpu: .milliseconds(60), request: 2 << 20)

    @Test(arguments: LuaAttack.all) func `An attack is stopped by its limit`(_ attack: LuaAttack) async throws {
        let lua = try await loaded(
            "return { ok = function() return 'alive' end, go = function() \(attack.body)\nend }", limits: Self.limits)
        let error = await #expect(throws: LuaError.self) { try await lua.call("go") }
        guard case .limit(let limit) = error?.kind else {
            Issue.record("ended by \(error.map(String.init(describing:)) ?? "nothing")")
            return
        }
        #expect(attack.limits.contains { $0.rawValue == limit.rawValue })
        #expect(try await lua.call("ok") == "alive")
    }
}
