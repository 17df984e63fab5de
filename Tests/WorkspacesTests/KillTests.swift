import Glibc
import Testing

@testable import Workspaces

/// A command's whole tree is ended, and the kernel says so.
@Suite struct KillTests {
    @Test func `After a timeout nothing is left of a fork bomb, double forks, sessions and ignored signals`()
        async throws
    {
        var policy = Policy()
        policy.limits.processes = 100
        try await Shared.withWorkspace(policy) { workspace in
            let command = """
                trap '' TERM HUP INT QUIT
                (setsid sh -c 'trap "" TERM; (sleep 5000 &) ; sleep 5000' > /dev/null 2>&1 &)
                ( ( sleep 5000 & ) & )
                sh -c 'kill -STOP $$; sleep 5000' &
                b() { b | b & }; b 2> /dev/null
                sleep 5000
                """
            let result = try await workspace.exec(.shell(command, timeout: .seconds(1)))
            #expect(result.endedBy == .timeout && result.leftRunning == [])
            #expect(try #require(result.killLatency) > .zero)
            let pid = try #require(workspace.initPID)
            #expect(try await eventually { hostFile("/proc/\(pid)/task/\(pid)/children") == "" })
            for group in groups(of: pid) {
                #expect(try await eventually { hostFile(group + "/cgroup.procs") == "\(pid)\n" }, "\(group)")
            }
        }
    }

    /// Control groups of its own that this process can see.
    private func groups(of pid: Int) -> [String] {
        hostFile("/proc/\(pid)/cgroup").split(separator: "\n").flatMap { line -> [String] in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2].contains("/ise-") else { return [] }
            let roots = parts[1].isEmpty ? ["", "/unified"] : ["/" + parts[1]]
            return roots.map { "/sys/fs/cgroup\($0)\(parts[2])" }.filter { access($0 + "/cgroup.procs", R_OK) == 0 }
        }
    }

    @Test(
        .enabled("needs root and control groups") { try await Shared.host.isolation.level == "full" && geteuid() == 0 })
    func `A workspace's processes are counted in a control group of its own`() async throws {
        try await Shared.withWorkspace { workspace in
            let job = try await workspace.start(.shell("sleep 5000 & sleep 5000"))
            let pid = try #require(workspace.initPID)
            #expect(!groups(of: pid).isEmpty)
            for group in groups(of: pid) {
                #expect(try await eventually { hostFile(group + "/cgroup.procs").split(separator: "\n").count == 4 })
            }
            job.kill()
            _ = try await job.wait()
        }
    }
}
