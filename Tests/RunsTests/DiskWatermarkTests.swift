import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Runs

/// A run whose disk gets full.
@Suite struct DiskWatermarkTests {
    /// What is free, look by look, and what was said.
    private final class Disk: Sendable {
        private let looks: Mutex<[Int]>
        let notes = Mutex<[String]>([])
        init(_ looks: [Int]) { self.looks = Mutex(looks) }

        func watermark(_ least: Int) -> DiskWatermark {
            DiskWatermark(
                path: "/run", least: least,
                free: { _ in self.looks.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] } }, wait: {},
                note: { text in self.notes.withLock { $0.append(text) } })
        }
    }

    @Test func `It waits until there is room, and says why and that it goes on`() async {
        let disk = Disk([5 << 20, 5 << 20, 7 << 20, 64 << 20])
        await disk.watermark(64 << 20).pass()
        #expect(
            disk.notes.withLock { $0 } == [
                "paused: /run has 5 MiB of free space, less than 64 MiB; no trajectory is started until there is room (--min-free)",
                "there is room again in /run",
            ])
    }

    @Test func `With room it says nothing`() async {
        let disk = Disk([64 << 20])
        await disk.watermark(64 << 20).pass()
        #expect(disk.notes.withLock { $0 } == [])
    }

    @Test func `A scheduler starts nothing while its gate is shut`() async {
        let started = Atomic(0)
        let opened = Atomic(false)
        var scheduler = Scheduler(jobs: 2)
        scheduler.gate = {
            // The second task may not begin before something has come of the first.
            if started.load(ordering: .relaxed) > 0 { while !opened.load(ordering: .relaxed) { await Task.yield() } }
        }
        let results = await scheduler.run([1, 2, 3]) { item in
            if started.add(1, ordering: .relaxed).newValue == 1 {
                #expect(item == 1)
                opened.store(true, ordering: .relaxed)
            }
            return item
        }
        #expect(results == [1, 2, 3])
    }

    @Test func `A run without room starts no trajectory, and can be ended`() async throws {
        let place = try TemporaryDirectory()
        let run = try ISEProcess([
            "run", "--count", "3", "--min-free", "1000000TiB", "--out", place.file("run"), "--json",
        ])
        while try run.isRunning && !run.errorsSoFar().contains("paused: ") {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(try run.errorsSoFar().contains("of free space, less than"))
        #expect(try traces(in: place, "run").isEmpty)
        kill(run.pid, SIGINT)
        let ending = try await run.ending()
        #expect(ending.status == 130)
        #expect(ending.summary?["not_started"] == 3)
    }

    @Test func `A size that is none is told`() async throws {
        let run = try await ise("run", "--min-free", "much", "--out", "/nowhere/run")
        #expect(run.status == 64 && run.stderr.contains("--min-free much: expected a size such as 64MiB"))
    }
}
