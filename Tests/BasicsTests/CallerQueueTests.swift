import Basics
import Synchronization
import Testing

@Suite struct CallerQueueTests {
    @Test(arguments: [1, 4]) func `no more are inside than there are places`(places: Int) async {
        let queue = CallerQueue(places: places)
        let inside = HeadCount()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    await queue.enter()
                    inside.come()
                    await Task.yield()
                    inside.go()
                    queue.leave()
                }
            }
        }
        #expect((1...places).contains(inside.most))
    }

    @Test func `callers are let in in the order of their coming`() async {
        let clerk = Clerk()
        await clerk.queue.enter()
        let callers = (0..<20).map { number in Task { await clerk.call(number) } }
        while await clerk.came.count < callers.count { await Task.yield() }
        clerk.queue.leave()
        for caller in callers { await caller.value }
        let (came, served) = await (clerk.came, clerk.served)
        #expect(served == came)
    }
}

private actor Clerk {
    let queue = CallerQueue()
    var came: [Int] = []
    var served: [Int] = []

    func call(_ number: Int) async {
        came.append(number)
        await queue.enter()
        served.append(number)
        queue.leave()
    }
}

private final class HeadCount: Sendable {
    private let count = Mutex((now: 0, most: 0))
    var most: Int { count.withLock { $0.most } }

    func come() { count.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) } }
    func go() { count.withLock { $0.now -= 1 } }
}
