import Glibc
import TestSupport
import Testing

@testable import Workspaces

/// What one workspace alone sees of the host.
@Suite struct BindTests {
    private func open(
        _ binds: [HostOptions.Bind], _ policy: Policy = Policy(), _ body: (Workspace) async throws -> Void
    ) async throws {
        let workspace = try await Shared.host.open(policy, binds: binds)
        do { try await body(workspace) } catch {
            await workspace.close()
            throw error
        }
        await workspace.close()
    }

    @Test(arguments: Policy.Identity.allCases)
    func `Directories and files are seen, read-only, by whoever they were bound for`(identity: Policy.Identity)
        async throws
    {
        let directory = try TemporaryDirectory()
        mkdir(directory.path + "/skills", 0o755)
        try directory.write("skills/SKILL.md", Array("how to\n".utf8))
        try directory.write("one.txt", Array("one\n".utf8))
        var policy = Policy()
        policy.identity = identity
        policy.changeTracking = .content
        let binds = [
            HostOptions.Bind(directory.path + "/skills/", at: "/skills"),
            HostOptions.Bind(directory.path + "/one.txt", at: "/home/user/given/one.txt"),
        ]
        try await open(binds, policy) { workspace in
            let result = try await workspace.exec(
                .shell(
                    "cat /skills/SKILL.md given/one.txt; echo x > /skills/SKILL.md; touch /skills/new; rm -f given/one.txt; echo x > given/one.txt; ls /skills"
                ))
            #expect(result.stdout.text == "how to\none\nSKILL.md\n")
            #expect(result.stderr.text.contains("Read-only file system"))
            #expect(result.changes == [])
        }
        try await Shared.withWorkspace { other in
            let seen = try await other.exec(.shell("ls -d /skills given"))
            #expect(seen.stdout.text == "")
        }
        #expect(hostFile(directory.path + "/skills/SKILL.md") == "how to\n")
        #expect(hostFile(directory.path + "/one.txt") == "one\n")
    }

    @Test func `A fork sees what the frozen workspace had bound`() async throws {
        let directory = try TemporaryDirectory()
        chmod(directory.path, 0o755)
        try directory.write("data", Array("given\n".utf8))
        try await open([HostOptions.Bind(directory.path, at: "/data")]) { workspace in
            let snapshot = try await workspace.snapshot()
            let fork = try await Shared.host.open(snapshot)
            for each in [workspace, fork] {
                let result = try await each.exec(.shell("cat /data/data"))
                #expect(result.stdout.text == "given\n")
            }
            await fork.close()
        }
    }

    @Test func `A source that is missing, a link or no file is refused by name`() async throws {
        let directory = try TemporaryDirectory()
        symlink("/etc", directory.path + "/link")
        mkfifo(directory.path + "/pipe", 0o644)
        for (source, word) in [
            ("/missing", "No such file"), ("/link", "is a link"), ("/link/", "is a link"), ("/pipe", "neither"),
        ] {
            let host = try await Shared.host
            do throws(WorkspaceError) {
                let workspace = try await host.open(
                    binds: [HostOptions.Bind(directory.path + source, at: "/data")])
                await workspace.close()
                Issue.record("\(source) was bound")
            } catch {
                #expect(error.message.contains(directory.path) && error.message.contains(word), "\(error.message)")
            }
        }
        await #expect(throws: WorkspaceError.self) {
            _ = try await Shared.host.open(binds: [HostOptions.Bind("relative", at: "/data")])
        }
    }

    @Test func `A source that became another one after the look is not bound`() async throws {
        let directory = try TemporaryDirectory()
        mkdir(directory.path + "/data", 0o755)
        let checked = try CheckedBind(HostOptions.Bind(directory.path + "/data", at: "/data"))
        rename(directory.path + "/data", directory.path + "/old")
        for replace in [
            { _ = symlink("/etc", directory.path + "/data") }, { _ = mkdir(directory.path + "/data", 0o755) },
        ] {
            replace()
            let host = try await Shared.host
            do throws(WorkspaceError) {
                let workspace = try await host.make(Policy(), binds: [checked])
                await workspace.close()
                Issue.record("it was bound")
            } catch { #expect(error.message.contains(directory.path + "/data"), "\(error.message)") }
            unlink(directory.path + "/data")
        }
    }

    @Test(arguments: ["relative", "/proc/x", "/dev/x", "/usr/x", "/a/../b", "/"])
    func `A place that cannot be bound is refused`(path: String) async throws {
        await #expect(throws: WorkspaceError.self) {
            _ = try await Shared.host.open(binds: [HostOptions.Bind("/etc", at: path)])
        }
    }

    @Test func `A link of the root's own does not lead a bind astray`() async throws {
        // /etc/alternatives is copied from the host; /bin is a link on a merged system.
        var status = stat()
        guard lstat("/bin", &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return }
        let directory = try TemporaryDirectory()
        await #expect(throws: WorkspaceError.self) {
            _ = try await Shared.host.open(binds: [HostOptions.Bind(directory.path, at: "/bin/here")])
        }
    }
}
