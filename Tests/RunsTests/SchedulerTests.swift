import Synchronization
import Testing

@testable import Runs

@Suite struct SchedulerTests {
    @Test(arguments: [1, 3, 64])
    func `results come in the order of the items, however many run at once`(jobs: Int) async {
        let results = await Scheduler(jobs: jobs).run(Array(0..<40)) { item in
            for _ in 0..<(item * 7 % 5) { await Task.yield() }
            return item * item
        }
        #expect(results == (0..<40).map { $0 * $0 })
    }

    @Test func `no more run at once than allowed`() async {
        let counts = Mutex((now: 0, most: 0))
        _ = await Scheduler(jobs: 3).run(Array(0..<30)) { _ in
            counts.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            for _ in 0..<5 { await Task.yield() }
            counts.withLock { $0.now -= 1 }
        }
        #expect(counts.withLock { $0.most } == 3)
    }

    @Test func `no items give no results`() async {
        #expect(await Scheduler(jobs: 2).run([Int]()) { $0 }.isEmpty)
    }

    @Test func `after a cancellation nothing new starts, and what runs is told and waited for`() async {
        let (started, continuation) = AsyncStream.makeStream(of: Void.self)
        let run = Task {
            await Scheduler(jobs: 2).run(Array(0..<10)) { item in
                continuation.yield()
                while !Task.isCancelled { await Task.yield() }
                return "cancelled \(item)"
            }
        }
        var running = started.makeAsyncIterator()
        for _ in 0..<2 { await running.next() }
        run.cancel()
        let results = await run.value
        #expect(results[..<2] == ["cancelled 0", "cancelled 1"])
        #expect(results[2...].allSatisfy { $0 == nil })
    }
}
