import Glibc
import Testing

@testable import Workspaces

/// What the launcher makes ahead. Each test has a host of its own, whose children are its workspaces and nothing else.
@Suite struct SpareTests {
    @Test func `What was asked for twice waits ready`() async throws {
        try await withHost { host in
            let first = try await host.open()
            #expect(children(first).count == 1)
            let second = try await host.open()
            let used = Set([first, second].compactMap(\.initPID))
            #expect(try await eventually { children(second).subtracting(used).count == 2 })
            let spares = children(second).subtracting(used)
            let third = try await host.open()
            #expect(third.initPID.map(spares.contains) == true)
            #expect(try await third.exec(.shell("pwd; ls -A; hostname")).stdout.text == "/home/user\nworkspace\n")
            #expect(try await eventually { children(third).count == 5 })
        }
    }

    @Test func `Policies that take turns have one each, what is asked for once has none`() async throws {
        try await withHost { host in
            var other = Policy()
            other.limits.openFiles = 99
            var used: Set<Int> = []
            for policy in [Policy(), other, Policy(), other] {
                used.formUnion([try await host.open(policy)].compactMap(\.initPID))
            }
            var rare = Policy()
            rare.limits.openFiles = 98
            let last = try await host.open(rare)
            // Two of the one that was asked for last, at least one of the other, and this one.
            #expect(try await eventually { (4...5).contains(children(last).count) })
            let spares = children(last).subtracting([last.initPID].compactMap { $0 })
            for policy in [Policy(), other] {
                let workspace = try await host.open(policy)
                #expect(workspace.initPID.map(spares.contains) == true && !used.contains(workspace.initPID ?? 0))
                let files = try await workspace.exec(.shell("ulimit -n")).stdout.text
                #expect(files == "\(policy.limits.openFiles)\n")
            }
        }
    }

    @Test func `A spare has the limits and the identity of its policy`() async throws {
        try await withHost { host in
            var policy = Policy()
            policy.limits.openFiles = 77
            policy.limits.diskBytes = 3 << 20
            policy.identity = .root
            let spare = try await openSpare(host, policy)
            let result = try await spare.exec(
                .shell("ulimit -n; id -u; head -c 9000000 /dev/zero > f 2>/dev/null; wc -c < f"))
            let lines = result.stdout.text.split(separator: "\n")
            #expect(lines.prefix(2) == ["77", "0"])
            #expect(lines.last.flatMap { Int($0) }.map { $0 <= 3 << 20 } == true)
        }
    }

    @Test func `A spare that was killed is not handed out`() async throws {
        try await withHost { host in
            let first = try await host.open()
            let second = try await host.open()
            let used = Set([first, second].compactMap(\.initPID))
            #expect(try await eventually { children(first).subtracting(used).count == 2 })
            for pid in children(first).subtracting(used) { kill(pid_t(pid), SIGKILL) }
            let third = try await host.open()
            #expect(try await third.exec(.shell("echo alive")).stdout.text == "alive\n")
        }
    }

    @Test func `What is bound or forked is made for itself`() async throws {
        try await withHost { host in
            let parent = try await openSpare(host, Policy())
            try await parent.write("mark", [1])
            let fork = try await host.open(try await parent.snapshot())
            #expect(try await fork.exec(.shell("ls")).stdout.text == "mark\n")
            let bound = try await host.open(binds: [HostOptions.Bind("/etc", at: "/opt/etc")])
            #expect(try await bound.exec(.shell("test -e /opt/etc/passwd && ls")).exitCode == 0)
        }
    }

    /// More policies than one after the other: none is turned away.
    @Test func `Two hundred policies are kept apart`() async throws {
        try await withHost { host in
            for number in 20..<220 {
                var policy = Policy()
                policy.limits.openFiles = number
                let workspace = try await host.open(policy)
                if number % 50 == 0 {
                    #expect(try await workspace.exec(.shell("ulimit -n")).stdout.text == "\(number)\n")
                }
                await workspace.close()
            }
        }
    }

    // MARK: -

    private func withHost(_ body: (WorkspaceHost) async throws -> Void) async throws {
        let host = try await WorkspaceHost.start()
        do { try await body(host) } catch {
            await host.shutdown()
            throw error
        }
        await host.shutdown()
    }

    /// One that the launcher had ready.
    private func openSpare(_ host: WorkspaceHost, _ policy: Policy) async throws -> Workspace {
        let first = try await host.open(policy)
        let second = try await host.open(policy)
        let used = Set([first, second].compactMap(\.initPID))
        #expect(try await eventually { children(first).subtracting(used).count == 2 })
        let spares = children(first).subtracting(used)
        let spare = try await host.open(policy)
        #expect(spare.initPID.map(spares.contains) == true)
        await first.close()
        await second.close()
        return spare
    }

    /// Pids of the launcher's children: the inits.
    private func children(_ workspace: Workspace) -> Set<Int> {
        let launcher = workspace.launcher.pid
        return Set(hostFile("/proc/\(launcher)/task/\(launcher)/children").split(separator: " ").compactMap { Int($0) })
    }
}
