import Glibc
import Testing

@testable import Workspaces

/// Namespaces, privileges, other processes.
@Suite(.serialized) struct D3Processes {
    @Test(.attack(33), arguments: Policy.Identity.allCases)
    func `D33 No namespace can be made`(identity: Policy.Identity) async throws {
        var policy = Policy()
        policy.identity = identity
        try await Target.withWorkspace(policy) { workspace in
            let seen = try await workspace.probe("namespaces")
            #expect(seen["clone_plain"] == "ok")
            // clone3 does not exist: its flags are behind a pointer, and programs fall back to clone.
            for (name, value) in seen.values where name != "clone_plain" {
                #expect(value == (name.hasPrefix("clone3") ? "ENOSYS" : "EPERM"), "\(name): \(value)")
            }
            #expect(try await workspace.exec(.shell("cat /proc/sys/user/max_user_namespaces")).stdout.text == "0\n")
        }
    }

    @Test(.attack(34)) func `D34 No namespace can be entered`() async throws {
        try await Target.probe("enter").expectAll(["EPERM"])
    }

    @Test(.attack(35)) func `D35 No capability can be raised`() async throws {
        let seen = try await Target.probe("capabilities")
        seen.expectAll(["EPERM"], except: ["bounding": "0", "effective": "0", "permitted": "0", "no_new_privs": "1"])
    }

    @Test(.attack(35)) func `D35 Root inside has only what a package manager needs`() async throws {
        var policy = Policy()
        policy.identity = .root
        let seen = try await Target.probe("capabilities", policy: policy)
        // chown, dac_override, fowner, fsetid, kill, setgid, setuid, sys_chroot; none without a range of ids.
        let allowed = 0b100_0000_0000_1111_1011
        #expect(seen.number("effective").map { $0 & ~allowed } == 0)
        #expect(seen["ambient"] == "EPERM" && seen["capset"] == "EPERM")
    }

    @Test(.attack(36)) func `D36 No other identity can be taken`() async throws {
        try await Target.probe("identities").expectAll(["EPERM", "EINVAL"], except: ["fsuid": "1000"])
    }

    @Test(.attack(37), arguments: Policy.Identity.allCases)
    func `D37 Neither the init nor a sibling can be traced or read`(identity: Policy.Identity) async throws {
        var policy = Policy()
        policy.identity = identity
        try await Target.withWorkspace(policy) { workspace in
            try await workspace.probe("trace").expectAll(["EPERM"])
            try await workspace.probe("init-files").expectAll(["EACCES", "EPERM", "ENOENT", "EROFS"])
        }
    }

    @Test(.attack(38), arguments: Policy.Identity.allCases)
    func `D38 Signals reach neither the init nor the host`(identity: Policy.Identity) async throws {
        var policy = Policy()
        policy.identity = identity
        try await Target.withWorkspace(policy) { workspace in
            let seen = try await workspace.probe("signals", "\(getpid())")
            #expect(seen["alive"] == "yes" && seen["host_process"] == "ESRCH")
            // SIGKILL to all spares the caller alone.
            let all = try await workspace.exec(.shell("sleep 1000 & kill -9 -1; echo killed"))
            #expect(all.stdout.text == "killed\n" || all.signal != nil)
            #expect(try await workspace.exec(.shell("echo alive")).stdout.text == "alive\n")
        }
    }

    @Test(.attack(38)) func `D38 A storm of stops cannot keep the host waiting`() async throws {
        try await Target.withWorkspace { workspace in
            // It goes on until the workspace is closed.
            for _ in 0..<3 { _ = try? await workspace.probe("stop-storm", "200", timeout: .seconds(2)) }
            let all = try await within(.seconds(60)) {
                for _ in 0..<30 { _ = try? await workspace.exec(.shell("true", timeout: .milliseconds(200))) }
            }
            #expect(all != nil, "a command never came back")
        }
    }

    @Test(.attack(38)) func `D38 A flood of signals does not keep the init from its work`() async throws {
        try await Target.withWorkspace { workspace in
            _ = try await workspace.probe("child-storm", "2")
            let answer = try await within(.seconds(30)) { try await workspace.exec(.shell("echo on")).stdout.text }
            #expect(answer == "on\n")
        }
    }

    @Test(.attack(39)) func `D39 A fork bomb stops at the limit`() async throws {
        var policy = Policy()
        policy.limits.processes = 40
        try await Target.withWorkspace(policy) { workspace in
            let seen = try await workspace.probe("exhaust", "processes")
            #expect(seen["processes_end"] == "EAGAIN" && seen.number("processes").map { $0 < 40 } == true)
            let threads = """
                import threading
                n = 0
                try:
                    for _ in range(500):
                        threading.Thread(target=threading.Event().wait, daemon=True).start(); n += 1
                except RuntimeError: print('refused', n < 40, flush=True)
                import os; os._exit(0)
                """
            let run = try await workspace.exec(ExecRequest(argv: ["python3", "-c", threads]))
            #expect(run.stdout.text == "refused True\n")
            let bomb = try await workspace.exec(.shell("b() { b | b & b; }; b", timeout: .milliseconds(500)))
            #expect(bomb.endedBy == .timeout || bomb.exitCode != nil || bomb.signal != nil)
            #expect(await runOnHost("/bin/echo", ["fine"]) == "fine\n")
        }
    }

    @Test(.attack(40)) func `D40 Zombies count, and orphans are reaped`() async throws {
        var policy = Policy()
        policy.limits.processes = 60
        try await Target.withWorkspace(policy) { workspace in
            let seen = try await workspace.probe("exhaust", "zombies")
            #expect(seen["zombies_end"] == "EAGAIN" && seen.number("zombies").map { $0 < 60 } == true)
            let orphans = try await workspace.exec(
                .shell("for i in $(seq 1 400); do (true &) 2>/dev/null; done; echo done", timeout: .seconds(60)))
            #expect(orphans.stdout.text == "done\n")
            #expect(try await workspace.exec(.shell("ps ax -o stat= | grep -c ^Z")).stdout.text == "0\n")
        }
    }

    @Test(.attack(41)) func `D41 Nothing outlives its command's time`() async throws {
        let number = marker(41)
        try await Target.withWorkspace { workspace in
            let script = """
                import ctypes, os, signal, time
                ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
                for _ in range(3):
                    if os.fork() == 0:
                        os.setsid()
                        if os.fork() == 0:
                            for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(s, signal.SIG_IGN)
                            os.closerange(0, 3); os.setpgid(0, 0)
                            os.execvp('sleep', ['sleep', '\(number)'])
                        os._exit(0)
                time.sleep(1000)
                """
            let run = try await workspace.exec(ExecRequest(argv: ["python3", "-c", script], timeout: .seconds(1)))
            #expect(run.endedBy == .timeout && run.killLatency != nil)
            #expect(hostProcesses(withCommand: "sleep\0\(number)").isEmpty)
        }
    }

    @Test(.attack(41)) func `D41 A process without its first thread is seen and killed`() async throws {
        try await Target.withWorkspace { workspace in
            let alone = try await within(.seconds(30)) {
                try await workspace.probe("headless", timeout: .milliseconds(500)).result.endedBy
            }
            #expect(alone == .timeout, "it never came back")
            let left = try await workspace.exec(.shell("/tmp/probe headless >/dev/null & sleep 0.3"))
            #expect(left.leftRunning.count == 1)
            let killed = try await workspace.exec(
                .shell("/tmp/probe headless >/dev/null & sleep 1000", timeout: .milliseconds(500)))
            #expect(killed.endedBy == .timeout)
            let rest = try await workspace.exec(
                .shell("ps axH -o args= | grep -c '^/tmp/probe headless'; ps ax -o args="))
            #expect(rest.stdout.text.hasPrefix("1\n"), "\(rest.stdout.text)")
        }
    }

    @Test(.attack(41), arguments: [1, 3, 40])
    func `D41 A chain of processes that each live for a moment is killed, too`(
        chains: Int
    ) async throws {
        try await Target.withWorkspace { workspace in
            // By the last number that was given to a process here.
            let count = "read -r _ _ _ _ a </proc/loadavg; sleep 0.3; read -r _ _ _ _ b </proc/loadavg; echo $((b - a))"
            for _ in 0..<3 {
                let run = try await workspace.probe("chains", "\(chains)", timeout: .seconds(1))
                #expect(run.result.endedBy == .timeout && run.number("links").map { $0 > 50 } == true, "\(run.values)")
                #expect(try await workspace.exec(.shell(count)).stdout.text == "1\n")
            }
        }
    }

    @Test(.attack(42)) func `D42 Whoever holds the pipes does not hold the call`() async throws {
        try await Target.withWorkspace { workspace in
            let result = try await within(.seconds(60)) {
                try await workspace.exec(.shell("(setsid sh -c 'trap \"\" HUP; sleep 1000' &); echo back"))
            }
            #expect(result?.stdout.text == "back\n" && result?.leftRunning.isEmpty == false)
        }
    }

    @Test(.attack(43)) func `D43 The report of a command's end cannot be forged`() async throws {
        let forge = """
            import os, socket
            sent = 0
            for fd in range(3, 2048):
                try: os.write(fd, bytes([65, 0, 0, 0, 1, 0, 0, 0])); sent += 1
                except OSError: pass
            for name in ('/proc/1/fd/3', '/proc/1/fd/16', '/proc/self/task/1/fd/3'):
                try: open(name, 'wb').write(b'x'); sent += 1
                except OSError: pass
            for name in ('\\0ise', '\\0ise-init', '/run/ise', '/tmp/ise'):
                try: socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(name); sent += 1
                except OSError: pass
            print(sent, flush=True); os._exit(7)
            """
        try await Target.withWorkspace { workspace in
            let result = try await workspace.exec(ExecRequest(argv: ["python3", "-c", forge]))
            #expect(result.exitCode == 7 && result.stdout.text == "0\n")
        }
    }
}
