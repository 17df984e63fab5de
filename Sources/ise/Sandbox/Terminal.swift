import Glibc
import Synchronization
import Workspaces

/// This process's terminal, when it passes it on to a command.
final class Terminal: Sendable {
    private let saved = Mutex<termios?>(nil)

    /// Whether both ends that a session needs are terminals.
    static var isThere: Bool { isatty(0) == 1 && isatty(1) == 1 }

    static var size: TerminalSize {
        var window = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &window) == 0, window.ws_row > 0, window.ws_col > 0 else {
            return TerminalSize()
        }
        return TerminalSize(rows: window.ws_row, columns: window.ws_col)
    }

    /// What programs know of it, when the name looks like one.
    static var kind: String? {
        guard let name = getenv("TERM").map({ String(cString: $0) }), !name.isEmpty,
            name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") })
        else { return nil }
        return name
    }

    /// From now on every key goes to the command, also those that would be a signal.
    func makeRaw() {
        saved.withLock { saved in
            var settings = termios()
            guard saved == nil, tcgetattr(0, &settings) == 0 else { return }
            saved = settings
            cfmakeraw(&settings)
            tcsetattr(0, TCSANOW, &settings)
        }
    }

    /// As it was. Waits until what was written is out.
    func restore() {
        saved.withLock { saved in
            guard var settings = saved else { return }
            tcsetattr(0, TCSADRAIN, &settings)
            saved = nil
        }
    }
}
