import Glibc
import Synchronization
import WorkspaceShim

/// Hears of each refused system call of a workspace (`seccomp_unotify(2)`) and refuses it. Calls that are allowed never come here.
final class DenialListener: ReactorHandler {
    private let reactor: Reactor
    private let report: @Sendable (Int32) -> Void
    private let state: Mutex<(descriptor: Int32, token: Reactor.Token?)>

    init(_ descriptor: Int32, _ reactor: Reactor, report: @escaping @Sendable (Int32) -> Void) {
        self.reactor = reactor
        self.report = report
        state = Mutex((descriptor, nil))
    }

    func start() {
        state.withLock { $0.token = reactor.add($0.descriptor, self) }
    }

    func ready(_ events: UInt32) {
        let descriptor = state.withLock { $0.descriptor }
        guard descriptor >= 0 else { return }
        var denial = ise_denial()
        if events & EPOLLIN.rawValue != 0, ise_denial_receive(descriptor, &denial) == 0 {
            // Noted before it is answered, so that it is part of the result of a command that ends right after it.
            report(denial.number)
            _ = ise_denial_answer(descriptor, denial.cookie)  // fails when the caller was killed meanwhile
        } else if events & EPOLLHUP.rawValue != 0 {
            close()
        }
    }

    func close() {
        let (descriptor, token) = state.withLock { state in
            defer { state = (-1, nil) }
            return state
        }
        guard descriptor >= 0 else { return }
        if let token { reactor.remove(descriptor, token) }
        Glibc.close(descriptor)
    }
}
