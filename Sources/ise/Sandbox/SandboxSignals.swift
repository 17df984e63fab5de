import Glibc
import Runs
import Synchronization
import Workspaces

/// Passes this process's signals on to a command.
final class SandboxSignals: Sendable {
    private struct State {
        var job: Job?
        var count = 0
    }
    private let state = Mutex(State())
    private let terminal: Terminal

    init(_ terminal: Terminal) { self.terminal = terminal }

    func watch() {
        Interrupts.handle([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH]) { [self] number in
            if number == SIGWINCH { state.withLock { $0.job }?.resize(Terminal.size) } else { end(number) }
        }
    }

    func pass(to job: Job) { state.withLock { $0.job = job } }

    /// The first goes to the command's tree, the second kills it. With no command to hear it, and at the third, all ends here: the
    /// kernel takes the workspace down with this process.
    private func end(_ number: CInt) {
        let (job, count) = state.withLock { state in
            state.count += 1
            return (state.job, state.count)
        }
        guard let job, count < 3 else {
            terminal.restore()
            _exit(128 + number)
        }
        if count == 1 { job.signal(number) } else { job.kill() }
    }
}
