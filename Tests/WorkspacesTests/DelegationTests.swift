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

        init(controllers: String = "cpuset cpu io memory pids", type: String = "domain") throws {
            mount = try TemporaryDirectory()
            mkdir(mount.path + "/user.slice", 0o755)
            mkdir(mount.path + path, 0o755)
            for (file, text) in [
                ("cgroup.controllers", controllers + "\n"), ("cgroup.type", type + "\n"),
                ("cgroup.procs", "4711\n12\n"),
                ("cgroup.subtree_control", ""),
            ] {
                try mount.write("user.slice/run-1.scope/" + file, Array(text.utf8))
            }
        }

        func find(_ membership: String? = nil) -> Delegation.Finding {
            Delegation.find(membership: membership ?? "1:cpu:/\n0::\(path)\n", mounts: ["/none", mount.path])
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
        #expect(reason(try Tree(type: "threaded").find()).contains("a group for threads (threaded)"))
        #expect(reason(try Tree(type: "domain invalid").find()).contains("(domain invalid)"))
        let tree = try Tree()
        #expect(reason(tree.find("1:cpu:/\n")).contains("no group of cgroup v2"))
        #expect(reason(tree.find("0::/../other\n")).contains("outside"))
        #expect(reason(tree.find("0::/elsewhere\n")).contains("not mounted"))
        unlink(tree.group + "/cgroup.subtree_control")
        #expect(reason(tree.find()).contains("not delegated to this user"))
    }

    @Test func `Taking it moves all that is in it into a leaf first`() throws {
        let tree = try Tree()
        guard case .usable(let delegation) = tree.find() else {
            Issue.record("not usable")
            return
        }
        #expect(delegation.take()?.contains("could not move process 4711 into \(tree.group)/ise-leaf: ") == true)
        // What the kernel would make with the directory.
        try tree.mount.write(tree.path.dropFirst() + "/ise-leaf/cgroup.procs", [])
        #expect(delegation.take() == nil)
        #expect(hostFile(tree.group + "/ise-leaf/cgroup.procs").hasPrefix("12"))
        #expect(hostFile(tree.group + "/cgroup.subtree_control").contains("+cpu"))
    }

    @Test func `Whoever begins in the leaf has the group above it`() throws {
        let tree = try Tree()
        mkdir(tree.group + "/ise-leaf", 0o755)
        try tree.mount.write(tree.path.dropFirst() + "/ise-leaf/cgroup.controllers", Array("memory pids\n".utf8))
        #expect(tree.find("0::\(tree.path)/ise-leaf\n") == tree.find())
    }

    @Test func `The report goes by the controllers that are there`() {
        let some = IsolationReport(facts: ["started_as=user", "cgroup=v2", "v2=memory", "v2=pids"])
        #expect(some.enforces(.memory) && some.enforces(.processes) && !some.enforces(.cpu) && some.level == "full")
        #expect(!IsolationReport(facts: ["started_as=user"]).enforces(.memory))
    }
}
