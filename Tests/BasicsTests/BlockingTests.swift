import Basics
import Glibc
import Synchronization
import Testing

@Suite struct BlockingTests {
    @Test func `work that waits for other work comes to its end, however much of it there is`() async {
        // More than Dispatch has threads for.
        let gate = Gate(expected: 300)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<gate.expected { group.addTask { await blocking { gate.arriveAndWait() } } }
        }
        #expect(gate.arrived == gate.expected)
    }

    @Test func `a write to a pipe that nobody reads fails and kills nobody`() async {
        var ends: [CInt] = [-1, -1]
        #expect(pipe(&ends) == 0)
        close(ends[0])
        let (count, code) = await blocking { [end = ends[1]] in (write(end, [1], 1), errno) }
        close(ends[1])
        #expect(count == -1)
        #expect(code == EPIPE)
    }
}

/// Opens when all are there.
private final class Gate: Sendable {
    let expected: Int
    private let count = Atomic(0)
    private let open: UnsafeSemaphore

    init(expected: Int) {
        self.expected = expected
        open = UnsafeSemaphore()
    }

    var arrived: Int { count.load(ordering: .relaxed) }

    func arriveAndWait() {
        if count.add(1, ordering: .relaxed).newValue == expected {
            for _ in 0..<expected { open.post() }
        }
        open.wait()
    }
}

private final class UnsafeSemaphore: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    init() { sem_init(semaphore, 0, 0) }
    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }
    func post() { sem_post(semaphore) }
    func wait() { while sem_wait(semaphore) != 0 {} }
}
