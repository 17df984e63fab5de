import Hashing
import Testing

@testable import Workspaces

@Suite struct ChangeTests {
    private func policy(_ tracking: ChangeTracking) -> Policy {
        var policy = Policy()
        policy.changeTracking = tracking
        return policy
    }

    /// "+path", "~path", "-path": created, changed, deleted.
    private func short(_ changes: [FileChange]?) -> [String] {
        let signs: [FileChange.What: String] = [.created: "+", .changed: "~", .deleted: "-"]
        return (changes ?? []).map { (signs[$0.what] ?? "?") + $0.path.replacing("/home/user/", with: "") }
    }

    @Test(arguments: [ChangeTracking.metadata, .content])
    func `A command's result lists what it created, changed and deleted`(tracking: ChangeTracking) async throws {
        try await Shared.withWorkspace(policy(tracking)) { workspace in
            let made = try await workspace.exec(
                .shell("mkdir -p a/b; echo one > a/b/f; ln -s f a/b/l; echo x > /tmp/t; : > /dev/shm/s"))
            #expect(short(made.changes) == ["+/dev/shm/s", "+a", "+a/b", "+a/b/f", "+a/b/l", "+/tmp/t"])
            let file = made.changes?.first { $0.path.hasSuffix("/f") }
            #expect(file?.hash == ContentHash(of: "one\n") && file?.size == 4 && file?.kind == .file)
            let nothing = try await workspace.exec(.shell("cat a/b/f; ls -R / > /dev/null 2>&1"))
            #expect(nothing.changes == [])
            let changed = try await workspace.exec(.shell("echo two >> a/b/f; chmod 600 /tmp/t; rm a/b/l"))
            #expect(short(changed.changes) == ["~a/b/f", "-a/b/l", "~/tmp/t"])
            let moved = try await workspace.exec(.shell("mv a c; ln c/b/f hard"))
            #expect(short(moved.changes) == ["-a", "-a/b", "-a/b/f", "+c", "+c/b", "+c/b/f", "+hard"])
            let replaced = try await workspace.exec(.shell("echo other > new; mv new hard; rm -r c"))
            #expect(short(replaced.changes) == ["-c", "-c/b", "-c/b/f", "~hard"])
        }
    }

    @Test func `What could not be read makes the list incomplete, and says so`() async throws {
        try await Shared.withWorkspace(policy(.metadata)) { workspace in
            let plain = try await workspace.exec(.shell("touch -d '@99999999999' late; touch f"))
            #expect(plain.changesAreComplete && short(plain.changes) == ["+f", "+late"])
            let later = try await workspace.exec(.shell("touch -d '@99999999998' late"))
            #expect(later.changesAreComplete)
            let deep = try await workspace.exec(
                ExecRequest(argv: ["python3", "-c", "import os\nfor _ in range(300): os.mkdir('d'); os.chdir('d')"]))
            #expect(!deep.changesAreComplete && deep.changes?.isEmpty == false)
        }
    }

    @Test func `A write through a shared mapping is seen when contents count`() async throws {
        try await Shared.withWorkspace(policy(.content)) { workspace in
            _ = try await workspace.exec(.shell("printf 'aaaa' > f"))
            let result = try await workspace.exec(
                ExecRequest(argv: [
                    "python3", "-c",
                    "import mmap; f = open('f', 'r+b'); m = mmap.mmap(f.fileno(), 4); m[0:4] = b'bbbb'; m.close()",
                ]))
            #expect(short(result.changes) == ["~f"], "\(result.stderr.text)")
        }
    }

    @Test func `What the host writes is not put down to a command`() async throws {
        try await Shared.withWorkspace(policy(.content)) { workspace in
            try await workspace.write("given", [1])
            let result = try await workspace.exec(.shell("echo x > made"))
            #expect(short(result.changes) == ["+made"])
            try await workspace.remove("made")
            let told = try await workspace.changes()
            #expect(short(told) == ["+given", "-made"])
        }
    }

    @Test func `Without tracking a result tells nothing`() async throws {
        let result = try await Shared.run("echo x > made")
        #expect(result.changes == nil)
    }

    @Test func `Over a snapshot, old files are changed or deleted, not created`() async throws {
        try await Shared.withWorkspace(policy(.content)) { workspace in
            _ = try await workspace.exec(
                .shell("echo old > kept; echo old > replaced; echo old > gone; mkdir d; echo x > d/in"))
            let snapshot = try await workspace.snapshot()
            let fork = try await Shared.host.open(snapshot)
            let result = try await fork.exec(
                .shell(
                    "echo new >> kept; echo new > n; mv n replaced; rm gone; rm -r d; mkdir d; echo y > d/out; echo 1 > fresh"
                ))
            let seen = short(result.changes)
            for expected in ["~kept", "~replaced", "-gone", "+d/out", "+fresh"] {
                #expect(seen.contains(expected), "\(seen)")
            }
            #expect(!seen.contains("+kept") && !seen.contains("+replaced"))
            await fork.close()
        }
    }

    @Test func `The root identity's changes of the system are listed`() async throws {
        guard try await Shared.host.isolation.startedAsRoot else { return }
        var policy = policy(.content)
        policy.identity = .root
        try await Shared.withWorkspace(policy) { workspace in
            let result = try await workspace.exec(
                .shell("echo x >> /etc/hosts; rm /usr/bin/env; echo y > /usr/bin/tool"))
            #expect(short(result.changes) == ["~/etc/hosts", "-/usr/bin/env", "+/usr/bin/tool"])
        }
    }
}
