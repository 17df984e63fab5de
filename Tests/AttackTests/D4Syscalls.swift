import Glibc
import Testing

@testable import Workspaces

/// The kernel's entry points.
@Suite struct D4Syscalls {
    #if arch(x86_64)
        @Test(.attack(50, 51, 52)) func `D50 D51 D52 Calls of another ABI kill`() async throws {
            let seen = try await Target.probe("foreign")
            seen.expectAll(["SIGSYS"], except: ["modify_ldt": "EPERM", "vsyscall_time": seen["vsyscall_time"]])
            #expect(["ok", "SIGSEGV", "SIGSYS"].contains(seen["vsyscall_time"]))
        }
    #else
        @Test(.attack(50, 51, 52)) func `D50 D51 D52 Calls of another ABI kill`() async throws {
            let seen = try await Target.probe("foreign")
            if seen["arm"] == "ENOEXEC" { try skip("this processor runs no AArch32") }
            seen.expectAll(["SIGSYS"])
        }
    #endif

    @Test(.attack(53)) func `D53 Nothing can be put into a terminal's input`() async throws {
        let seen = try await Target.probe("terminals")
        seen.expectAll(["EPERM"], except: ["pty": "ok", "controlling": "ENXIO"])
    }

    @Test(.attack(53)) func `D53 Nor into one's own controlling terminal`() async throws {
        try await Target.withWorkspace { workspace in
            let push = """
                import fcntl, termios
                for request in (0x5412, 0x5412 | 1 << 32, 0x541C, 0x5423):
                    try: fcntl.ioctl(0, request & 0xffffffff, b'x'); print('pushed')
                    except OSError as e: print(e.errno)
                """
            var request = ExecRequest(argv: ["python3", "-c", push])
            request.terminal = TerminalSize()
            let job = try await workspace.start(request)
            let result = try await job.wait()
            #expect(result.stdout.text == "1\r\n1\r\n1\r\n1\r\n", "\(result.stdout.text)")
        }
    }

    static let cases: [(Int, [String])] = [
        (54, ["bpf"]), (55, ["perf_event_open"]), (56, ["userfaultfd", "userfaultfd_user"]),
        (57, ["io_uring_setup", "io_uring_enter", "io_uring_register"]), (58, ["keyctl", "add_key", "request_key"]),
        (
            59,
            [
                "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "swapon", "swapoff",
                "reboot", "acct",
                "quotactl", "syslog", "vhangup", "sethostname", "setdomainname", "lookup_dcookie",
            ]
        ),
        (63, ["mbind", "set_mempolicy", "move_pages", "migrate_pages", "vmsplice"]),
    ]

    @Test(.attack(54, 55, 56, 57, 58, 59, 63), arguments: Policy.Identity.allCases)
    func `D54 to D59 and D63 Dangerous calls are refused whatever they ask`(identity: Policy.Identity) async throws {
        var policy = Policy()
        policy.identity = identity
        let seen = try await Target.probe("forbidden", policy: policy)
        for (number, names) in Self.cases {
            for name in names { #expect(seen[name] == "EPERM", "D\(number) \(name): \(seen[name])") }
        }
        seen.expectAll(["EPERM"])
        for name in ["bpf", "io_uring_setup", "kexec_load"] {
            #expect(seen.result.denials.contains { $0.syscall == name }, "\(name) is not reported")
        }
    }

    @Test(.attack(60)) func `D60 Clocks cannot be set, alarms cannot wake the machine`() async throws {
        try await Target.withWorkspace { workspace in
            try await workspace.probe("clocks").expectAll(["EPERM", "EOPNOTSUPP"])
            let signals = try await workspace.probe("exhaust", "signals")
            #expect(signals["signals_end"] == "EAGAIN" && signals.number("signals").map { $0 <= 4096 } == true)
        }
    }

    @Test(.attack(61)) func `D61 Watches do not use up the host's`() async throws {
        try await Target.withWorkspace { workspace in
            #expect(try await workspace.probe("forbidden")["fanotify_init"] == "EPERM")
            let seen = try await workspace.probe("exhaust", "inotify")
            #expect(seen.number("inotify").map { $0 <= 16 } == true, "\(seen.values)")
            let raise = try await workspace.probe("open", "-w", "/proc/sys/user/max_inotify_instances")
            #expect(raise.values.values.allSatisfy { ["EROFS", "EACCES"].contains($0) })
        }
    }

    @Test(.attack(62)) func `D62 No secret memory, no page at 0`() async throws {
        let seen = try await Target.probe("memory")
        seen.expectAll(["EPERM", "EACCES"], except: ["memfd": "ok"])
    }

    @Test(.attack(65)) func `D65 Programs fall back where a call does not exist`() async throws {
        let programs = [
            ("bash", "bash -c 'x=$(echo a | cat); [ $x = a ] && echo fine'"),
            (
                "python3",
                "python3 -c 'import subprocess, threading, tempfile; t = threading.Thread(target=print, args=(\"fine\",)); t.start(); t.join(); subprocess.run([\"true\"], check=True)'"
            ),
            ("perl", "perl -e 'if (fork == 0) { exit 0 } wait; print \"fine\\n\"'"),
            (
                "git",
                "git init -q r && cd r && git -c user.name=a -c user.email=b commit -q --allow-empty -m x && echo fine"
            ),
            ("tar", "echo x > f && tar czf t.tgz f && rm f && tar xzf t.tgz && [ -f f ] && echo fine"),
            ("node", "node -e 'console.log(\"fine\")'"), ("go", "go version > /dev/null && echo fine"),
            ("java", "java -version 2>/dev/null && echo fine"),
            ("gcc", "echo 'int main(void){return 0;}' > a.c && gcc a.c && ./a.out && echo fine"),
        ]
        var ran = 0
        try await Target.withWorkspace { workspace in
            for (name, command) in programs {
                guard try await workspace.exec(.shell("command -v \(name)")).exitCode == 0 else { continue }
                // A launcher script for a program that the workspace does not have is none.
                let result = try await workspace.exec(.shell("cd $(mktemp -d) && \(command)"))
                if result.exitCode == 127 { continue }
                ran += 1
                #expect(result.stdout.text == "fine\n", "\(name): \(result.stdout.text)\(result.stderr.text)")
            }
        }
        #expect(ran >= 4)
    }
}
