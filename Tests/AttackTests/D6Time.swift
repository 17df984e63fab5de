import Glibc
import Testing

@testable import Workspaces

/// Time, programs that are none, life and death of workspaces.
@Suite(.serialized) struct D6Time {
    @Test(.attack(80)) func `D80 Spinning on all cores ends with the time limit`() async throws {
        let number = marker(80)
        try await Target.withWorkspace { workspace in
            let spin = try await workspace.exec(
                .shell(
                    "for i in $(seq 1 16); do sh -c 'while :; do :; done' spin\(number) & done; wait",
                    timeout: .milliseconds(700)))
            #expect(spin.endedBy == .timeout)
            #expect(hostProcesses(withCommand: "spin\(number)").isEmpty)
        }
    }

    @Test(.attack(80)) func `D80 Processor time is shared out by the policy`() async throws {
        guard try await Target.host.isolation.enforces(.cpu) else { try skip("no cpu controller") }
        var policy = Policy()
        policy.limits.cpuPercent = 20
        policy.limits.required = [.cpu]
        // Counted in processor time, which does not depend on who else is busy.
        let spin = try await Target.withWorkspace(policy) {
            try await $0.exec(.shell("sh -c 'while :; do :; done' & sh -c 'while :; do :; done'", timeout: .seconds(2)))
        }
        #expect(spin.endedBy == .timeout)
        #expect(spin.userCPU + spin.systemCPU < spin.wall * 0.6)
    }

    @Test(.attack(83)) func `D83 Sleepers, stopped ones and waiters end with the time limit`() async throws {
        try await Target.withWorkspace { workspace in
            for command in [
                "sleep infinity", "kill -STOP $$", "kill -STOP 0; sleep 1000", "while :; do wait; done",
                "trap '' TERM INT HUP QUIT; cat /dev/zero > /dev/null",
                "python3 -c 'import signal; signal.alarm(2**31-1); signal.pause()'",
            ] {
                let result = try await within(.seconds(60)) {
                    try await workspace.exec(.shell(command, timeout: .milliseconds(300)))
                }
                #expect(result?.endedBy == .timeout && result?.signal == Int(SIGKILL), "\(command)")
                #expect(result?.killLatency != nil)
            }
            // As far off as can be is not the same as at once.
            var far = ExecRequest.shell("echo ran")
            far.timeout = .seconds(Int64.max)
            #expect(try await workspace.exec(far).stdout.text == "ran\n")
        }
    }

    @Test(.attack(84)) func `D84 A command's idea of time is its own`() async throws {
        let lie = ["LD_PRELOAD": "/tmp/faketime.so", "FAKETIME": "-10y", "TZ": "Asia/Tokyo"]
        try await Target.withWorkspace { workspace in
            let result = try await workspace.exec(ExecRequest(argv: ["sleep", "0.3"], environment: lie))
            #expect(result.wall >= .milliseconds(300))
            #expect(try await workspace.probe("clocks")["clock_settime"] == "EPERM")
        }
    }

    @Test(.attack(85)) func `D85 A crash writes no core and starts no handler`() async throws {
        try await Target.withWorkspace { workspace in
            let seen = try await workspace.probe("crash")
            #expect(seen.result.signal == Int(SIGABRT))
            // A handler that the host has set is not started for a limit of 1 (core(5)), but is for 0.
            #expect(seen.number("core_limit") == 1)
            let lowered = try await workspace.exec(.shell("ulimit -Hc 0; ulimit -c 0; grep core /proc/self/limits"))
            #expect(
                lowered.stdout.text.split(separator: " ").dropFirst(4).prefix(2) == ["1", "1"], "\(lowered.stdout.text)"
            )
            #expect(try await workspace.exec(.shell("ls -A . /tmp | grep -c core")).stdout.text == "0\n")
        }
    }

    @Test(.attack(86)) func `D86 Arguments beyond all bounds are an error of the call`() async throws {
        func code(_ workspace: Workspace, _ request: ExecRequest) async -> WorkspaceError.Code? {
            do throws(WorkspaceError) {
                _ = try await workspace.exec(request)
                return nil
            } catch { return error.code }
        }
        try await Target.withWorkspace { workspace in
            let long = String(repeating: "x", count: 131_072)
            #expect(await code(workspace, ExecRequest(argv: ["true", long])) == .tooBig)
            #expect(
                await code(
                    workspace, ExecRequest(argv: ["true"] + Array(repeating: String(long.dropLast(2)), count: 60)))
                    == .tooBig)
            #expect(await code(workspace, ExecRequest(argv: ["true"] + Array(repeating: "", count: 300_000))) != nil)
            #expect(await code(workspace, ExecRequest(argv: ["true"], environment: ["A": long])) == .tooBig)
            #expect(await code(workspace, ExecRequest(argv: ["true", "a\0b"])) == .invalidPath)
            #expect(await code(workspace, ExecRequest(argv: [])) == .commandNotFound)
            let none =
                "import ctypes; ctypes.CDLL(None).execve(b'/usr/bin/env', (ctypes.c_char_p * 1)(None), (ctypes.c_char_p * 1)(None))"
            _ = try await workspace.exec(ExecRequest(argv: ["python3", "-c", none]))
            #expect(try await workspace.exec(.shell("echo alive")).stdout.text == "alive\n")
        }
    }

    @Test(.attack(87)) func `D87 What cannot be executed is told apart`() async throws {
        try await Target.withWorkspace { workspace in
            try await workspace.write("noshebang", Array("echo ran\n".utf8), mode: 0o755)
            try await workspace.write(
                "foreign",
                [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 11) + [0xf7, 0]
                    + [UInt8](repeating: 0, count: 100), mode: 0o755)
            try await workspace.write("missing", Array("#!/no/such/interpreter\n".utf8), mode: 0o755)
            try await workspace.write("itself", Array("#!./itself\n".utf8), mode: 0o755)
            try await workspace.write("garbage", (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 97) }, mode: 0o755)
            try await workspace.write("empty", [], mode: 0o755)
            _ = try await workspace.exec(
                .shell("ln -s nowhere dangling; ln -s loop loop; mkdir dir; mkfifo -m 755 pipe"))
            for name in [
                "noshebang", "foreign", "missing", "itself", "garbage", "empty", "dangling", "loop", "dir", "pipe",
                "/dev/null", "/proc/self/mem",
            ] {
                await #expect(throws: WorkspaceError.self, "\(name)") {
                    _ = try await workspace.exec(ExecRequest(argv: [name.hasPrefix("/") ? name : "./" + name]))
                }
            }
            // The init's own image, which the kernel finds there: with nobody at the other end it ends at once.
            let own = try await workspace.exec(ExecRequest(argv: ["/proc/self/exe"], timeout: .seconds(30)))
            #expect(own.exitCode != nil && own.endedBy == .exit)
        }
    }

    @Test(.attack(89)) func `D89 Tries to nest namespaces leave nothing`() async throws {
        try await Target.withWorkspace { workspace in
            let storm = try await within(.seconds(60)) { try await workspace.probe("refusal-storm", "15") }
            #expect(storm?["storm"] == "ok")
            #expect(storm?.result.denials.first?.syscall == "unshare")
            #expect(
                try await workspace.exec(
                    .shell("ls -l /proc/[0-9]*/ns/user 2>/dev/null | sed -n 's/.*-> //p' | sort -u | wc -l")
                ).stdout.text == "1\n")
        }
    }

    @Test(.attack(90)) func `D90 A tree that is stopped while it holds pipes is killed`() async throws {
        let number = marker(90)
        let workspace = try await Target.host.open()
        let job = try await workspace.start(.shell("sleep \(number) | cat & sleep 0.1; kill -STOP -1; kill -STOP $$"))
        #expect(try await eventually { !hostProcesses(withCommand: "sleep\0\(number)").isEmpty })
        let closed = try await within(.seconds(60)) { await workspace.close() }
        #expect(closed != nil)
        #expect(hostProcesses(withCommand: "sleep\0\(number)").isEmpty && !job.isRunning)
    }
}
