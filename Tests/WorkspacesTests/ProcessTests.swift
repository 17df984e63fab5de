import Glibc
import Testing

@testable import Workspaces

/// Which processes a command had, when the policy tracks them.
@Suite struct ProcessTests {
    private var policy: Policy {
        var policy = Policy()
        policy.tracksProcesses = true
        return policy
    }

    private func run(_ command: String, timeout: Duration = .seconds(60)) async throws -> [ProcessRecord] {
        try await Shared.withWorkspace(policy) { workspace in
            let result = try await workspace.exec(.shell(command, timeout: timeout))
            return try #require(result.processes)
        }
    }

    /// Linux 6.15 says how a process ended that its parent has waited for.
    private func told(_ signal: Int32) -> Int? {
        var release = utsname()
        uname(&release)
        let text = withUnsafeBytes(of: &release.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let version = text.split(separator: ".").prefix(2).compactMap { Int($0) }
        return version.lexicographicallyPrecedes([6, 15]) ? nil : Int(signal)
    }

    @Test func `Programs are told with their arguments, ends and use`() async throws {
        let records = try await run("/bin/true; python3 -c 'x = sum(range(3000000)); exit(3)' 'an argument'; exit 7")
        #expect(records.count == 3)
        let (shell, nothing, python) = (records[0], records[1], records[2])
        #expect(
            shell.parent == 1 && shell.exitCode == 7 && shell.argv.starts(with: ["/bin/sh", "-c"])
                && shell.start == .zero)
        #expect(nothing.argv == ["/bin/true"] && nothing.exitCode == 0 && nothing.parent == shell.pid)
        #expect(python.argv.first == "python3" && python.argv.last == "an argument" && python.exitCode == 3)
        let (user, system) = (try #require(python.userCPU), try #require(python.systemCPU))
        #expect(user + system > .milliseconds(10) && user > system && python.maxRSSBytes ?? 0 > 4 << 20)
        #expect(python.start >= nothing.start && python.wall ?? .zero > .milliseconds(10))
        #expect(records.allSatisfy { $0.signal == nil && !$0.isRunning })
    }

    @Test func `What the kernel does for a process is told apart from what it does itself`() async throws {
        let copies = try #require(
            try await run("exec dd if=/dev/zero of=/dev/null bs=16M count=300 status=none").last)
        let counts = try #require(
            try await run("exec python3 -c 'for i in range(9000000): pass'").last)
        #expect(try #require(copies.systemCPU) > #require(copies.userCPU), "\(copies)")
        #expect(try #require(counts.userCPU) > #require(counts.systemCPU), "\(counts)")
    }

    @Test func `A shell in a shell has a record though it executes nothing`() async throws {
        let records = try await run("(exit 4); (sh -c 'exit 5'; exit 6); exit 0")
        #expect(records.map(\.exitCode).contains(4))
        let outer = try #require(records.first { $0.exitCode == 6 })
        #expect(records.first { $0.exitCode == 5 }?.parent == outer.pid)
    }

    @Test func `The last program counts, of one that executed several`() async throws {
        let records = try await run("exec sh -c 'exec env true'")
        #expect(records.map(\.argv) == [["true"]])
    }

    @Test func `Who dies of a signal is told with it`() async throws {
        let records = try await run(
            "sh -c 'kill -SEGV $$'; yes | head -1; sleep 60 & \(Self.has("sleep")); kill $!; wait")
        func record(_ argv: [String]) throws -> ProcessRecord { try #require(records.first { $0.argv == argv }) }
        #expect(try record(["yes"]).signal == told(SIGPIPE))
        #expect(try record(["sleep", "60"]).signal == told(SIGTERM))
        let crashed = try #require(records.first { $0.argv.starts(with: ["sh", "-c"]) })
        #expect(crashed.signal == told(SIGSEGV) && crashed.exitCode == nil)
        #expect(try record(["head", "-1"]).exitCode == 0)
    }

    /// Waits in the shell until the last one that it left in the background has become that program.
    private static func has(_ program: String) -> String {
        "until [ \"$(cat /proc/$!/comm)\" = \(program) ]; do :; done"
    }

    @Test func `The victims of a kill are told`() async throws {
        try await Shared.withWorkspace(policy) { workspace in
            let job = try await workspace.start(
                .shell("setsid sleep 77 & \(Self.has("sleep")); echo ready; while :; do :; done"))
            while job.stdout.totalBytes == 0, job.isRunning { try await Task.sleep(for: .milliseconds(5)) }
            job.kill()
            let records = try await job.wait().processes ?? []
            let victims = records.filter { $0.argv == ["sleep", "77"] || $0.argv.first == "/bin/sh" }
            #expect(
                victims.count == 2 && victims.allSatisfy { !$0.isRunning && $0.exitCode == nil }, "\(records)")
            // Whom nobody has waited for yet is told by any kernel.
            #expect(victims.allSatisfy { $0.signal == Int(SIGKILL) || $0.signal == told(SIGKILL) }, "\(records)")
        }
    }

    @Test func `What is left running is told once, and by none of the next`() async throws {
        try await Shared.withWorkspace(policy) { workspace in
            let first = try await workspace.exec(
                .shell("mkfifo f; cat f & \(Self.has("cat")); sleep 60 & \(Self.has("sleep")); exit 0"))
            let running = Set(first.processes?.filter(\.isRunning).map(\.argv) ?? [])
            #expect(running == [["cat", "f"], ["sleep", "60"]])
            let second = try await workspace.exec(
                .shell("echo > f; until ! grep -q '^cat$' /proc/[0-9]*/comm; do :; done"))
            #expect(second.processes?.contains { $0.argv.first == "cat" || $0.argv.first == "sleep" } == false)
        }
    }

    @Test func `Commands at the same time do not get each other's`() async throws {
        try await Shared.withWorkspace(policy) { workspace in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        let result = try await workspace.exec(.shell("for i in 1 2 3; do sleep 0.0\(number); done"))
                        let expected = [["sleep", "0.0\(number)"]]
                        #expect(result.processes?.dropFirst().allSatisfy { expected.contains($0.argv) } == true)
                        #expect(result.processes?.count == 4)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `Refused calls are still refused and told, and a failed start leaves nothing`() async throws {
        try await Shared.withWorkspace(policy) { workspace in
            await #expect(throws: WorkspaceError.self) {
                _ = try await workspace.exec(ExecRequest(argv: ["no-such-program"]))
            }
            let result = try await workspace.exec(.shell("unshare -r true"))
            #expect(result.denials.map(\.syscall) == ["unshare"])
            #expect(result.processes?.count == 2)
        }
        var silent = policy
        silent.reportsDenials = false
        let unreported = try await Shared.run("unshare -r true", silent)
        #expect(unreported.denials.isEmpty && unreported.exitCode != 0 && unreported.processes?.count == 2)
    }

    @Test func `Very many are counted`() async throws {
        let records = try await Shared.withWorkspace(policy) { workspace in
            try await workspace.exec(.shell("i=0; while [ $i -lt 1100 ]; do (exit 0); i=$((i+1)); done"))
        }
        #expect(records.processes?.count == ProcessTracker.limit && records.processesOmitted == 101)
    }

    @Test func `Untracked is the default`() async throws {
        let result = try await Shared.run("true")
        #expect(result.processes == nil)
    }
}
