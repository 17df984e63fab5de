import Glibc
import Testing

@testable import Workspaces

private let hasBusybox = access("/usr/bin/busybox", X_OK) == 0

@Suite struct TemplateTests {
    @Test func `A directory of the host can be seen, read-only`() async throws {
        let directory = try makeDirectory()
        defer { remove(directory) }
        try write(directory + "/data.txt", "given\n")
        var options = HostOptions()
        options.binds = [
            HostOptions.Bind(directory, at: "/data/sets"),
            HostOptions.Bind(directory + "/data.txt", at: "/opt/one.txt"),
        ]
        let host = try await WorkspaceHost.start(options)
        for identity in Policy.Identity.allCases {
            var policy = Policy()
            policy.identity = identity
            let workspace = try await host.open(policy)
            let result = try await workspace.exec(
                .shell(
                    "cat /data/sets/data.txt /opt/one.txt; echo x > /data/sets/data.txt; touch /data/sets/new; rm /data/sets/data.txt"
                ))
            #expect(result.stdout.text == "given\ngiven\n")
            #expect(result.stderr.text.contains("Read-only file system"))
            await workspace.close()
        }
        await host.shutdown()
        #expect(hostFile(directory + "/data.txt") == "given\n")
        #expect(access(directory + "/new", F_OK) != 0)
    }

    @Test(arguments: ["relative", "/proc/x", "/dev/x", "/usr/x", "/a/../b", "/"])
    func `A place that cannot be bound is refused`(path: String) async throws {
        var options = HostOptions()
        options.binds = [HostOptions.Bind("/etc", at: path)]
        await #expect(throws: WorkspaceError.self) { _ = try await WorkspaceHost.start(options) }
    }

    @Test func `A source that is not there is named`() async throws {
        var options = HostOptions()
        options.binds = [HostOptions.Bind("/no/such/place", at: "/data")]
        do {
            _ = try await WorkspaceHost.start(options)
            Issue.record("it started")
        } catch { #expect(error.message.contains("/no/such/place")) }
    }

    @Test(.enabled(if: hasBusybox, "needs /usr/bin/busybox (Debian: busybox-static)"))
    func `A directory serves as the root and is not changed`() async throws {
        let root = try makeDirectory()
        defer { remove(root) }
        for directory in ["bin", "etc", "home"] { mkdir(root + "/" + directory, 0o755) }
        try copy("/usr/bin/busybox", to: root + "/bin/busybox")
        for name in ["sh", "cat", "ls", "id", "rm", "touch", "stat"] { symlink("busybox", root + "/bin/" + name) }
        try write(root + "/etc/motd", "another system\n")
        try write(root + "/etc/passwd", "root:x:0:0::/:/bin/sh\nalice:x:1001:1001::/:/bin/sh\n")
        var options = HostOptions()
        options.root = .directory(root)
        let host = try await WorkspaceHost.start(options)
        var policy = Policy()
        policy.identity = .root
        let workspace = try await host.open(policy)
        let result = try await workspace.exec(
            .shell("cat /etc/motd; ls /; cat /etc/passwd; rm /etc/motd; echo more > /etc/new; ls /usr/bin"))
        let lines = result.stdout.text.split(separator: "\n").map(String.init)
        #expect(lines.first == "another system")
        #expect(lines.contains("alice:x:1001:1001::/:/bin/sh"))
        #expect(lines.contains("user:x:1000:1000:User:/home/user:/bin/bash"))
        #expect(!lines.contains("python3"))
        #expect(try await workspace.exec(.shell("ls /etc/motd")).exitCode != 0)
        await workspace.close()
        await host.shutdown()
        #expect(hostFile(root + "/etc/motd") == "another system\n")
        #expect(access(root + "/etc/new", F_OK) != 0)
    }

    @Test func `A root without a shell is refused`() async throws {
        var options = HostOptions()
        options.root = .directory("/etc")
        await #expect(throws: WorkspaceError.self) { _ = try await WorkspaceHost.start(options) }
    }

    // MARK: Files of the host

    private func makeDirectory() throws -> String {
        var template = Array("/tmp/ise-template-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw WorkspaceError(.io, "mkdtemp") }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        chmod(path, 0o755)
        return path
    }

    private func write(_ path: String, _ text: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        guard descriptor >= 0 else { throw WorkspaceError(.io, path) }
        defer { close(descriptor) }
        _ = Glibc.write(descriptor, text, text.utf8.count)
    }

    private func copy(_ from: String, to: String) throws {
        let source = open(from, O_RDONLY)
        let target = open(to, O_WRONLY | O_CREAT, 0o755)
        guard source >= 0, target >= 0 else { throw WorkspaceError(.io, to) }
        defer {
            close(source)
            close(target)
        }
        while sendfile(target, source, nil, 1 << 20) > 0 {}
    }

    private func remove(_ path: String) {
        let words: [String] = ["rm", "-rf", path]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        posix_spawn(&pid, "/bin/rm", nil, nil, &arguments, environ)
        waitpid(pid, nil, 0)
    }
}
