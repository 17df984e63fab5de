import Glibc
import TestSupport
import Testing

@testable import Workspaces

/// Decisions about a delegated part of the cgroup v2 tree, over directories that look like one.
@Suite struct DelegationTests {
    /// A group two levels below the mount, as systemd makes them.
    private struct Tree {
        let mount: TemporaryDirectory
        let path = "/user.slice/run-1.scope"
        var group: String { mount.path + path }

        init(controllers: String = "cpuset cpu io memory pids", procs: String = "4711\n") throws {
            mount = try TemporaryDirectory()
            mkdir(mount.path + "/user.slice", 0o755)
            mkdir(mount.path + path, 0o755)
            for (file, text) in [
                ("cgroup.controllers", controllers + "\n"), ("cgroup.procs", procs), ("cgroup.subtree_control", ""),
            ] {
                try mount.write("user.slice/run-1.scope/" + file, Array(text.utf8))
            }
        }

        func find(_ membership: String? = nil) -> Delegation.Finding {
            Delegation.find(
                membership: membership ?? "1:cpu:/\n0::\(path)\n", mounts: ["/none", mount.path], pid: 4711)
        }
    }

    private func reason(_ finding: Delegation.Finding) -> String {
        if case .unusable(let reason) = finding { reason } else { "usable" }
    }

    @Test func `A group of one's own with controllers is usable`() throws {
        let tree = try Tree()
        #expect(tree.find() == .usable(Delegation(directory: tree.group, controllers: ["memory", "pids", "cpu"])))
        let fewer = try Tree(controllers: "memory pids")
        #expect(fewer.find() == .usable(Delegation(directory: fewer.group, controllers: ["memory", "pids"])))
    }

    @Test func `What is missing is said`() throws {
        #expect(reason(try Tree(controllers: "hugetlb").find()).contains("no memory and pids controllers"))
        #expect(reason(try Tree(procs: "4711\n12\n").find()).contains("other processes in it (12)"))
        let tree = try Tree()
        #expect(reason(tree.find("1:cpu:/\n")).contains("no group of cgroup v2"))
        #expect(reason(tree.find("0::/../other\n")).contains("outside"))
        #expect(reason(tree.find("0::/elsewhere\n")).contains("not mounted"))
        unlink(tree.group + "/cgroup.subtree_control")
        #expect(reason(tree.find()).contains("not delegated to this user"))
    }

    @Test func `Taking it moves the process into a leaf first`() throws {
        let tree = try Tree()
        guard case .usable(let delegation) = tree.find() else {
            Issue.record("not usable")
            return
        }
        // What the kernel would make with the directory.
        mkdir(tree.group + "/leaf", 0o755)
        try tree.mount.write("user.slice/run-1.scope/leaf/cgroup.procs", [])
        #expect(delegation.take(leaf: "leaf", pid: 4711) == nil)
        #expect(hostFile(tree.group + "/leaf/cgroup.procs") == "4711")
        #expect(hostFile(tree.group + "/cgroup.subtree_control").contains("+cpu"))
        #expect(delegation.take(leaf: "none", pid: 4711)?.contains("could not move into") == true)
    }

    @Test func `The report goes by the controllers that are there`() {
        let some = IsolationReport(facts: ["started_as=user", "cgroup=v2", "v2=memory", "v2=pids"])
        #expect(some.enforces(.memory) && some.enforces(.processes) && !some.enforces(.cpu) && some.level == "full")
        #expect(!IsolationReport(facts: ["started_as=user"]).enforces(.memory))
    }
}
