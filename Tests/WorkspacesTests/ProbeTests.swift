import Glibc
import JSON
import Testing

@testable import Workspaces

/// What is found of the walls from inside a workspace.
struct ProbeTests {
    @Test(arguments: [Policy.Network.loopback, .none, .allowList([])])
    func `A look from inside finds every wall`(_ network: Policy.Network) async throws {
        var policy = Policy()
        policy.network = network
        let probe = try await Shared.withWorkspace(policy) { try await $0.liveProbe().verified() }
        #expect(probe.missing == [])
        #expect(probe.uid == 1000)
        #expect(isNobodys(probe.hostUID))
        #expect(probe.hasNoNewPrivileges && probe.seccompMode == 2 && probe.capabilities == 0)
        #expect(probe.ownNamespaces == ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"])
        #expect(probe.answers.keys.sorted() == ["bpf", "keyctl", "mount", "ptrace", "setns", "unshare"])
        #expect(probe.answers.values.allSatisfy { $0 == EPERM })
        #expect(probe.refusalsAreReported == true)
        #expect(probe.interfaces == ["lo"])
        #expect(!probe.seesHostHome)
    }

    private func isNobodys(_ uid: Int?) -> Bool {
        uid.map { geteuid() == 0 ? $0 >= Int(Template.idBase) : $0 == Int(geteuid()) } ?? false
    }

    @Test func `A look at root's walls finds them, too`() async throws {
        var policy = Policy()
        policy.identity = .root
        policy.reportsDenials = false
        let probe = try await Shared.withWorkspace(policy) { try await $0.liveProbe().verified() }
        #expect(probe.uid == 0)
        #expect(isNobodys(probe.hostUID))
        #expect(probe.refusalsAreReported == nil)
    }

    @Test func `What is shared by the policy is seen, and no missing wall`() async throws {
        var policy = Policy()
        policy.network = .host
        let probe = try await Shared.withWorkspace(policy) { try await $0.liveProbe().verified() }
        let names = hostFile("/proc/self/net/dev").split(separator: "\n").compactMap { line in
            line.contains(":") ? String(line.prefix { $0 != ":" }.drop { $0 == " " }) : nil
        }
        #expect(probe.interfaces == names.sorted())
        #expect(!probe.ownNamespaces.contains("net"))
    }

    @Test func `Two looks say the same, and leave nothing`() async throws {
        var policy = Policy()
        policy.changeTracking = .content
        policy.tracksProcesses = true
        let (first, result) = try await Shared.withWorkspace(policy) { workspace in
            let probe = try await workspace.liveProbe()
            #expect(try await workspace.liveProbe() == probe)
            return (probe, try await workspace.exec(.shell("ls -A ~ /tmp")))
        }
        let second = try await Shared.withWorkspace(policy) { try await $0.liveProbe() }
        #expect(first.json == second.json)
        #expect(result.changes == [] && result.denials == [] && result.leftRunning == [])
        #expect(result.processes?.count == 2, "\(result.processes ?? [])")
        #expect(result.stdout.text == "/home/user:\n\n/tmp:\n")
    }

    @Test func `A workspace that was frozen is looked at anew, and its fork by itself`() async throws {
        try await Shared.withWorkspace { workspace in
            let probe = try await workspace.liveProbe()
            let snapshot = try await workspace.snapshot()
            #expect(try await workspace.liveProbe() == probe)
            let fork = try await Shared.host.open(snapshot)
            #expect(try await fork.liveProbe().missing == [])
            await fork.close()
        }
    }

    @Test func `The user's home is seen when it is there, and that is no missing wall when it was asked for`()
        async throws
    {
        let home = String(cString: getenv("HOME"))
        let bind = HostOptions.Bind(home, at: home)
        let workspace = try await Shared.host.open(Policy(), binds: [bind])
        let probe = try await workspace.liveProbe()
        await workspace.close()
        #expect(probe.seesHostHome)
        #expect(probe.missing == [])
    }

    // MARK: Missing walls

    /// As a process without any wall writes it, in the namespaces of this one.
    private static let naked = """
        Uid=0\t0\t0\t0
        NoNewPrivs=0
        Seccomp=0
        CapPrm=000001ffffffffff
        namespace=mnt:[1]
        namespace=net:[2]
        interface=eth0
        interface=lo
        mount=0
        unshare=0
        setns=9
        ptrace=0
        bpf=22
        home=12.345 6
        """

    @Test func `Without walls, each one that is missing is named, and nothing is run`() {
        let host = LiveProbe.HostSide(
            namespaces: ["mnt:[1]", "net:[2]"], uidMap: "         0          0 4294967295\n", home: "12.345 6",
            heard: [])
        var probe = LiveProbe(output: Self.naked, host: host)
        probe.missing = probe.missingWalls(Policy(), startedAsRoot: true, showsHome: false)
        #expect(
            probe.missing == [
                "no_new_privs is not set", "seccomp is in mode 0, not 2 (filter)",
                "its capabilities are 000001ffffffffff, not within 0000000000000000",
                "bpf is not refused: \(WorkspaceError.reason(EINVAL))", "keyctl is not refused: it was not tried",
                "mount is not refused: let through", "ptrace is not refused: let through",
                "setns is not refused: \(WorkspaceError.reason(EBADF))", "unshare is not refused: let through",
                "refused system calls are not reported", "the cgroup namespace is the host's",
                "the ipc namespace is the host's", "the mnt namespace is the host's", "the net namespace is the host's",
                "the pid namespace is the host's", "the user namespace is the host's",
                "the uts namespace is the host's", "it has the network interfaces eth0", "its uid on the host is 0",
                "the home of the user who runs ISE can be seen",
            ])
        do throws(WorkspaceError) {
            _ = try probe.verified()
            Issue.record("it was taken")
        } catch {
            #expect(error.code == .limitUnenforceable)
            #expect(error.message.contains("mount is not refused: let through; ptrace"))
        }
    }

    @Test func `A probe that says nothing is one without walls`() {
        let host = LiveProbe.HostSide(namespaces: [], uidMap: nil, home: nil, heard: nil)
        var policy = Policy()
        policy.reportsDenials = false
        let missing = LiveProbe(output: "", host: host).missingWalls(policy, startedAsRoot: true, showsHome: false)
        #expect(missing.count == 18, "\(missing)")
    }

    @Test func `This process, which has no walls, is found to have none`() throws {
        // The control: the very bytes that the kernel shows of a process outside.
        let status = hostFile("/proc/self/status").split(separator: "\n")
            .map { $0.split(separator: ":", maxSplits: 1).map(String.init) }
            .filter { ["Uid", "NoNewPrivs", "Seccomp"].contains($0[0]) }
            .map { "\($0[0])=\($0[1].drop { $0 == "\t" })" }
        var probe = LiveProbe(
            output: status.joined(separator: "\n"),
            host: LiveProbe.HostSide(namespaces: [], uidMap: hostFile("/proc/self/uid_map"), home: nil, heard: nil))
        probe.missing = probe.missingWalls(Policy(), startedAsRoot: geteuid() == 0, showsHome: false)
        #expect(probe.missing.contains("no_new_privs is not set") != (probe.hasNoNewPrivileges))
        #expect(probe.uid == Int(geteuid()))
        #expect(probe.missing.count > 10)
    }
}
