import Lua
import Testing

@testable import Dialogue

@Suite struct ScheduleTests {
    private let schedule = Schedule(now: { 1_700_000_000 })

    private func add(_ time: LuaValue.Member) async throws(LuaHostError) -> LuaValue? {
        try await schedule.functions { _ in }["schedule.add"]?(.object([time, .init("text", "Look.")]))
    }

    @Test(arguments: ["at_ms", "every_ms"], [1e300, 1e25, .infinity, .nan, -1e300])
    func `A time that no clock reaches is an error`(
        _ member: String, _ time: Double
    ) async {
        let error = await #expect(throws: LuaHostError.self) { try await add(.init(member, .double(time))) }
        #expect(error?.code == "E_SCHEDULE")
    }

    @Test func `Times up to a century ahead are taken`() async throws {
        let at = try await add(.init("at_ms", .double(4_000_000_000_000)))
        #expect(at?["at_ms"]?.int == 4_000_000_000_000)
        let every = try await add(.init("every_ms", .int(86_400_000)))
        #expect(every?["next"]?.double == 1_700_086_400)
    }
}

@Suite struct SessionWaitTests {
    private func session() -> Session { Session(id: "sub-1", task: "t", parent: nil, now: 0) }

    @Test func `Who waits for a reply waits no longer than the limit, however short`() async {
        for _ in 0..<20 {
            await withTaskGroup(of: Void.self) { group in
                for microseconds in 1...100 {
                    group.addTask { await session().waitForReply(after: 0, atMost: .microseconds(microseconds)) }
                }
            }
        }
    }

    @Test func `A session that was stopped before it began ends at once`() async {
        let session = session()
        await session.stop()
        let work = Task { while !Task.isCancelled { try? await Task.sleep(for: .seconds(60)) } }
        session.begin(work)
        await work.value
        #expect(work.isCancelled)
    }
}
