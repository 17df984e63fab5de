import Glibc
import Synchronization
import Testing
import WorkspaceShim

@testable import Workspaces

@Suite struct WorkspaceReactorTests {
    private final class Counter: ReactorHandler {
        let events = Atomic(0)
        let first = OneShot<Void>()
        func ready(_ events: UInt32) {
            if events & EPOLLIN.rawValue != 0 { self.events.add(1, ordering: .relaxed) }
            first.set(())
        }
    }

    /// The kernel's no to one that nobody can watch stands for its no when a user's watches are used up.
    @Test func `What the kernel takes no watch for is served all the same`() async throws {
        let reactor = try Reactor()
        defer { reactor.stop() }
        let file = open("/etc/passwd", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        let counter = Counter()
        let token = reactor.add(file, events: EPOLLIN.rawValue, counter)
        await counter.first.value
        #expect(counter.events.load(ordering: .relaxed) > 0)
        reactor.change(file, token, events: EPOLLONESHOT.rawValue)
        reactor.remove(file, token)

        let other = Counter()
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        _ = reactor.add(ends[0], other)
        close(ends[1])
        await other.first.value
        close(ends[0])
    }
}
