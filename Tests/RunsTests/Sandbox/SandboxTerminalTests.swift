import TestSupport
import Testing

/// Python's `pty` plays the person at a terminal.
private let hasTerminals = runCommand(["python3", "-c", "import pty, termios; pty.openpty()"]) == 0

@Suite(.enabled(if: hasTerminals, "needs python3 and a machine that lets this user open a terminal (/dev/ptmx)"))
struct SandboxTerminalTests {
    /// Types each answer when its prompt has been seen, and then prints the exit status, whether the terminal is as it was, and what
    /// was shown.
    private func play(_ arguments: String, _ steps: String) async throws -> String {
        let place = try TemporaryDirectory()
        try place.write(
            "person.py",
            Array(
                """
                import fcntl, os, pty, signal, struct, termios, time
                master, slave = pty.openpty()
                fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
                before = termios.tcgetattr(slave)
                pid = os.fork()
                if pid == 0:
                    os.setsid()
                    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
                    for fd in (0, 1, 2): os.dup2(slave, fd)
                    os.environ["TERM"] = "xterm"
                    os.execv("/bin/sh", ["sh", "-c", 'exec "$ISE" sandbox ' + os.environ["ARGUMENTS"]])
                shown, seen = b"", 0
                def until(text):
                    global shown, seen
                    while text not in shown[seen:]: shown += os.read(master, 4096)
                    seen = shown.index(text, seen) + len(text)
                def type(text): os.write(master, text)
                def resize(rows, columns): fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                def is_raw(): return not termios.tcgetattr(slave)[3] & termios.ICANON
                \(steps)
                os.set_blocking(master, False)
                status = None
                while status is None:
                    done, code = os.waitpid(pid, os.WNOHANG)
                    if done: status = os.waitstatus_to_exitcode(code)
                    try: shown += os.read(master, 4096)
                    except BlockingIOError: time.sleep(0.01)
                print(status, "as it was" if termios.tcgetattr(slave) == before else "changed", shown)
                """.utf8))
        let ending = try await hostScript(
            "exec python3 \(place.file("person.py"))", environment: ["ARGUMENTS": arguments])
        #expect(ending.status == 0, "\(ending)")
        return ending.stdout
    }

    @Test func `A shell has a terminal with a size, a kind and control characters`() async throws {
        let shown = try await play(
            "--shell",
            #"""
            until(b"$ "); type(b"tty; stty size; echo $TERM\n")
            until(b"31 97"); until(b"xterm"); until(b"$ "); type(b"sleep 1000\n"); until(b"sleep 1000")
            while not is_raw(): time.sleep(0.01)
            time.sleep(0.3); type(b"\x03"); until(b"$ "); type(b"exit 5\n")
            """#)
        #expect(shown.hasPrefix("5 as it was") && shown.contains("/dev/pts/"), "\(shown)")
    }

    @Test func `Changes of size arrive, and control-D ends the shell`() async throws {
        let shown = try await play(
            "--shell",
            #"""
            until(b"$ "); type(b"trap 'echo size $(stty size)' WINCH; echo set\n"); until(b"set\r\n"); until(b"$ ")
            resize(40, 120); until(b"40 120"); type(b"\x04")
            """#)
        #expect(shown.hasPrefix("0 as it was"), "\(shown)")
    }

    @Test func `The terminal is as it was after a signal, a failure and a kill`() async throws {
        let terminated = try await play(
            "-- sh -c 'echo ready; sleep 1000'", #"until(b"ready"); time.sleep(0.1); os.kill(pid, signal.SIGTERM)"#)
        #expect(terminated.hasPrefix("143 as it was"), "\(terminated)")
        let missing = try await play("-- no-such-command", "pass")
        #expect(missing.hasPrefix("127 as it was"), "\(missing)")
        let killed = try await play(
            "-- sh -c 'trap \"echo caught\" TERM; echo ready; while :; do sleep 0.02; done'",
            #"until(b"ready"); os.kill(pid, signal.SIGTERM); until(b"caught"); os.kill(pid, signal.SIGTERM)"#)
        #expect(killed.hasPrefix("137 as it was"), "\(killed)")
    }

    @Test func `Without a terminal at both ends the command gets none`() async throws {
        let shown = try await play("-- tty < /dev/null", #"pass"#)
        #expect(shown.hasPrefix("1 as it was b'not a tty"), "\(shown)")
    }
}
