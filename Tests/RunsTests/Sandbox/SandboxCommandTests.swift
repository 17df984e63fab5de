import Glibc
import JSON
import TestSupport
import Testing

@Suite struct SandboxCommandTests {
    @Test func `Streams and the exit code are the command's`() async throws {
        let ending = try await sandbox("--", "sh", "-c", "echo out; echo err >&2; exit 7")
        #expect(ending.status == 7 && ending.stdout == "out\n" && ending.stderr == "err\n")
    }

    @Test(
        arguments: [
            (["--", "sh", "-c", "kill -9 $$"], 137, ""), (["--", "sh", "-c", "kill -SEGV $$"], 139, ""),
            (["--", "no-such-command"], 127, "ise: no-such-command: command not found\n"),
            (["--", "/etc/passwd"], 126, "ise: /etc/passwd: cannot execute: Permission denied\n"),
            (["--timeout", "200ms", "--", "sleep", "1000"], 124, "ran for longer than"),
            (["--silence", "200ms", "--", "sh", "-c", "echo x; sleep 1000"], 124, "wrote nothing for"),
            (["--cpu-seconds", "1", "--", "sh", "-c", "while :; do :; done"], 152, "processor time"),
            (["--directory", "/no/such", "--", "true"], 125, "/no/such"),
            (["--bind", "/no/such:/data", "--", "true"], 125, "/no/such"),
            (["--workdir-from", "/no/such", "--", "true"], 125, "/no/such"),
            (["--root", "/no/such", "--", "true"], 125, "/no/such"),
            (["--policy", "/no/such", "--", "true"], 125, "/no/such"),
            (["--network", "none", "--allow", "a.example:1", "--", "true"], 125, "allow-list"),
        ] as [([String], CInt, String)])
    func `Each way to end has its exit status`(arguments: [String], status: CInt, message: String) async throws {
        let ending = try await ISEProcess(["sandbox"] + arguments).ending()
        #expect(ending.status == status)
        #expect(message.isEmpty ? ending.stderr.isEmpty : ending.stderr.contains(message), "\(ending.stderr)")
    }

    @Test(arguments: [
        [], ["true"], ["--shell", "--", "true"], ["--shell", "--json"], ["--memory", "much", "--", "true"],
        ["--env", "X", "--", "true"], ["--nonsense", "--", "true"], ["--keep-bytes", "x", "--", "true"],
    ])
    func `A wrong command line is told and starts nothing`(arguments: [String]) async throws {
        let ending = try await ISEProcess(["sandbox"] + arguments).ending()
        #expect(ending.status == 64 && ending.stderr.contains("Error:") && ending.stdout.isEmpty)
    }

    @Test func `Output of any length passes at constant memory, byte for byte`() async throws {
        let ending = try await hostScript(
            """
            "$ISE" sandbox -- head -c 1G /dev/zero | wc -c
            "$ISE" sandbox -- sh -c 'ulimit -v 3000000; seq 300000' | cksum; seq 300000 | cksum
            "$ISE" sandbox -- awk 'BEGIN { for (i = 0; i < 256; i++) printf "%c", i }' | cksum
            LC_ALL=C awk 'BEGIN { for (i = 0; i < 256; i++) printf "%c", i }' | cksum
            """)
        let lines = ending.stdout.split(separator: "\n")
        #expect(lines.count == 5 && lines.first == "1073741824", "\(ending)")
        if lines.count == 5 { #expect(lines[1] == lines[2]) }
    }

    @Test func `Its memory does not grow with what passes`() async throws {
        let ending = try await hostScript(
            #"python3 -c 'import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$ISE" sandbox -- head -c 400M /dev/zero"#
        )
        let kilobytes = try #require(Int(ending.stdout.trimmed), "\(ending)")
        #expect(kilobytes < 150_000)
    }

    @Test func `Input of any length and its end are passed on`() async throws {
        let ending = try await hostScript(
            """
            head -c 200M /dev/zero | "$ISE" sandbox -- wc -c
            printf 'one\\0two\\377' | "$ISE" sandbox -- od -An -c
            "$ISE" sandbox -- cat < /dev/null; "$ISE" sandbox -- cat <&-
            yes | "$ISE" sandbox -- head -n 1
            """)
        #expect(ending.stdout == "209715200\n   o   n   e  \\0   t   w   o 377\ny\n", "\(ending)")
        #expect(ending.status == 0)
    }

    @Test func `A reader that goes away ends the command as in any pipe`() async throws {
        let ending = try await hostScript(
            #"("$ISE" sandbox -- sh -c 'trap "" PIPE; yes; echo $? >&2'; echo "status $?" >&2) | head -n 1"#)
        #expect(ending.stdout == "y\n")
        #expect(ending.stderr.contains("status 0"))
    }

    @Test func `What is left running does not delay the end`() async throws {
        let ending = try await sandbox("--timeout", "none", "--", "sh", "-c", "sleep 1000 & echo ok")
        #expect(ending.status == 0 && ending.stdout == "ok\n")
    }

    @Test func `Arguments and variables arrive as they are`() async throws {
        let ending = try await hostScript(
            #""$ISE" sandbox --env 'A=x=y z' --env E= -- sh -c 'printf "%s|" "$A" "$E" "$@" "${ISE-unset}"' name 'a b' '' -- --json "$(printf '\377')" | od -An -c"#
        )
        #expect(ending.stdout.filter { $0 != " " && $0 != "\n" } == "x=yz||ab||--|--json|377|unset|")
    }

    @Test func `Options bound the command`() async throws {
        let ending = try await sandbox(
            "--processes", "7", "--open-files", "33", "--disk", "1MiB", "--network", "none", "--identity", "root", "--",
            "sh",
            "-c", "ulimit -n; id -u; grep -c : /proc/net/dev; head -c 2000000 /dev/zero > x || echo full")
        #expect(ending.stdout.split(separator: "\n").prefix(2) == ["33", "0"])
        #expect(ending.stdout.contains("full"))
    }

    @Test func `Signals go to the command, and a second one kills`() async throws {
        let trapping = try ISEProcess([
            "sandbox", "--", "sh", "-c",
            "trap 'echo caught; exit 3' TERM; echo ready >&2; while :; do sleep 0.02; done",
        ])
        while try !trapping.errorsSoFar().contains("ready") { try await Task.sleep(for: .milliseconds(10)) }
        kill(trapping.pid, SIGTERM)
        let first = try await trapping.ending()
        #expect(first.status == 3 && first.stdout == "caught\n")

        let stubborn = try ISEProcess([
            "sandbox", "--", "sh", "-c", "trap 'echo caught >&2' INT; echo ready >&2; while :; do sleep 0.02; done",
        ])
        while try !stubborn.errorsSoFar().contains("ready") { try await Task.sleep(for: .milliseconds(10)) }
        kill(stubborn.pid, SIGINT)
        while try !stubborn.errorsSoFar().contains("caught") { try await Task.sleep(for: .milliseconds(10)) }
        kill(stubborn.pid, SIGINT)
        #expect(try await stubborn.ending().status == 137)
    }
}

extension String {
    fileprivate var trimmed: String { String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()) }
}
