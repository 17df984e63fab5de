import Glibc
import Synchronization
import WorkspaceShim

/// Hears of each refused system call of a workspace (`seccomp_unotify(2)`) and refuses it. Calls that are allowed never come here,
/// but for those by which processes are tracked.
final class DenialListener: ReactorHandler {
    private let reactor: Reactor
    private let report: @Sendable (RefusedCall) -> Void
    private let processes: ProcessTracker?
    private let state: Mutex<(descriptor: Int32, token: Reactor.Token?)>

    init(
        _ descriptor: Int32, _ reactor: Reactor, processes: ProcessTracker?,
        report: @escaping @Sendable (RefusedCall) -> Void
    ) {
        self.reactor = reactor
        self.processes = processes
        if processes != nil { ise_denial_wake_near(descriptor) }
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
            // Noted before it is answered, so that it is part of the result of a command that ends right after it. An answer fails
            // when the caller was killed meanwhile.
            if let processes, processes.note(denial) {
                _ = ise_denial_continue(descriptor, denial.cookie)
            } else {
                report(RefusedCall(number: denial.number, registers: denial.arguments))
                _ = ise_denial_answer(descriptor, denial.cookie)
            }
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

/// A system call that was refused, as its registers stood.
struct RefusedCall: Sendable {
    var number: Int32
    private var registers: (UInt64, UInt64, UInt64)

    init(number: Int32, registers: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)) {
        self.number = number
        self.registers = (registers.0, registers.1, registers.2)
    }

    /// How many of the leading arguments are no pointers.
    private static let plain: [String: Int] = [
        "socket": 3, "socketpair": 3, "unshare": 1, "setns": 2, "clone": 1, "personality": 1, "prctl": 1, "ioctl": 2,
        "ptrace": 2, "bpf": 1, "keyctl": 1, "userfaultfd": 1, "io_uring_setup": 1, "io_uring_enter": 3, "kcmp": 3,
        "reboot": 3,
        "iopl": 1, "ioperm": 3, "fsopen": 0, "memfd_secret": 1, "pidfd_getfd": 3, "process_madvise": 1, "syslog": 1,
        "fanotify_init": 2, "quotactl": 1, "move_pages": 2, "migrate_pages": 1,
    ]

    var plainArguments: [Int] {
        let count = Self.plain[syscallName(number)] ?? 0
        return [registers.0, registers.1, registers.2].prefix(count).map { Int(Int32(truncatingIfNeeded: $0)) }
    }
}
