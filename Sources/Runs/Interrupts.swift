import Glibc
import Synchronization

/// Turns signals into calls on a thread of its own.
public enum Interrupts {
    /// Handles SIGINT, SIGTERM and SIGHUP from now on, for the rest of the process's life. The second one ends the process at
    /// once, with status 128 + its number: the kernel then takes the workspaces down with it. Call once.
    /// - Parameter onFirst: gets the number of the first signal; must not block for long.
    public static func watch(_ onFirst: @escaping @Sendable (CInt) -> Void) {
        let seen = Seen()
        handle([SIGINT, SIGTERM, SIGHUP]) { number in
            if seen.isFirst.exchange(false, ordering: .relaxed) { onFirst(number) } else { _exit(128 + number) }
        }
    }

    private final class Seen: Sendable { let isFirst = Atomic(true) }

    /// Calls `each` for every one of these signals from now on, for the rest of the process's life. Call once.
    /// - Parameter each: must not block for long.
    public static func handle(_ numbers: [CInt], _ each: @escaping @Sendable (CInt) -> Void) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        signalPipe = ends[1]
        let watcher = Watcher(pipe: ends[0], each: each)
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(watcher)
        guard pthread_create(&thread, nil, runWatcher, argument.toOpaque()) == 0 else {
            argument.release()
            return
        }
        pthread_detach(thread)
        for number in numbers { install(number) }
    }

    private static func install(_ number: CInt) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = passOn
        action.sa_flags = CInt(SA_RESTART)
        sigaction(number, &action, nil)
    }
}

/// Written once before the first handler is installed, then only read.
nonisolated(unsafe) private var signalPipe: CInt = -1

/// Runs in signal context: write(2) and nothing else.
private func passOn(_ number: CInt) {
    let saved = errno
    var byte = UInt8(truncatingIfNeeded: number)
    _ = write(signalPipe, &byte, 1)
    errno = saved
}

private final class Watcher: Sendable {
    private let pipe: CInt
    private let each: @Sendable (CInt) -> Void

    init(pipe: CInt, each: @escaping @Sendable (CInt) -> Void) {
        self.pipe = pipe
        self.each = each
    }

    func run() {
        while let number = next() { each(number) }
    }

    private func next() -> CInt? {
        var byte: UInt8 = 0
        while true {
            let count = read(pipe, &byte, 1)
            if count == 1 { return CInt(byte) }
            if count == 0 || errno != EINTR { return nil }
        }
    }
}

private func runWatcher(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { Unmanaged<Watcher>.fromOpaque(argument).takeRetainedValue().run() }
    return nil
}
