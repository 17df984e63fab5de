import Glibc
import Testing

@testable import Runs

/// Each in a process of its own: signals belong to the whole process.
@Suite struct InterruptTests {
    @Test func `the first signal is told and ends nothing`() async {
        await #expect(processExitsWith: .exitCode(7)) {
            let (numbers, continuation) = AsyncStream.makeStream(of: CInt.self)
            Interrupts.watch { continuation.yield($0) }
            kill(getpid(), SIGTERM)
            for await number in numbers { exit(number == SIGTERM ? 7 : 1) }
        }
    }

    @Test func `the second signal ends the process at once`() async {
        await #expect(processExitsWith: .exitCode(130)) {
            let (numbers, continuation) = AsyncStream.makeStream(of: CInt.self)
            Interrupts.watch { continuation.yield($0) }
            kill(getpid(), SIGTERM)
            for await _ in numbers { kill(getpid(), SIGINT) }
        }
    }

    @Test func `a cancelled run tells what it had and starts nothing more`() async {
        await #expect(processExitsWith: .exitCode(2)) {
            let (numbers, continuation) = AsyncStream.makeStream(of: CInt.self)
            Interrupts.watch { continuation.yield($0) }
            let work = Task {
                await Scheduler(jobs: 2).run(Array(0..<10)) { item in
                    if item == 0 { kill(getpid(), SIGINT) }
                    while !Task.isCancelled { await Task.yield() }
                }
            }
            for await _ in numbers {
                work.cancel()
                exit(CInt(await work.value.count { $0 != nil }))
            }
        }
    }
}
