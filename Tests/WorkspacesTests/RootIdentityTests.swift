import Glibc
import TestSupport
import Testing

@testable import Workspaces

/// `root` inside: what packages and administrators do, to files of its own.
@Suite struct RootIdentityTests {
    private var policy: Policy {
        var policy = Policy()
        policy.identity = .root
        policy.changeTracking = .metadata
        return policy
    }

    private static let canBuild = access("/usr/bin/dpkg-deb", X_OK) == 0 && access("/usr/bin/dpkg", X_OK) == 0

    /// A package with a program at `prefix`, a configuration file and a script that runs when it is installed.
    private func makePackage(in directory: TemporaryDirectory, prefix: String) throws {
        chmod(directory.path, 0o755)
        var path = directory.path + "/tree"
        for name in ["", "/DEBIAN", "/etc"] { mkdir(path + name, 0o755) }
        for name in prefix.split(separator: "/") {
            path += "/" + name
            mkdir(path, 0o755)
        }
        func write(_ name: String, _ text: String, _ mode: mode_t = 0o644) throws {
            try directory.write("tree/" + name, Array(text.utf8))
            chmod(directory.path + "/tree/" + name, mode)
        }
        try write(
            "DEBIAN/control",
            "Package: ise-hello\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: a greeting\n"
        )
        try write("DEBIAN/postinst", "#!/bin/sh\nset -e\nid -u > /var/lib/ise-hello\n", 0o755)
        try write(prefix + "/ise-hello", "#!/bin/sh\necho hello\n", 0o755)
        try write("etc/ise-hello.conf", "setting\n")
        let built = runCommand([
            "/usr/bin/dpkg-deb", "--build", "--root-owner-group", directory.path + "/tree",
            directory.path + "/hello.deb",
        ])
        #expect(built == 0)
    }

    private func withPackage(_ prefix: String, _ body: (Workspace) async throws -> Void) async throws {
        let directory = try TemporaryDirectory()
        try makePackage(in: directory, prefix: prefix)
        let workspace = try await Shared.host.open(
            policy, binds: [HostOptions.Bind(directory.path + "/hello.deb", at: "/packages/hello.deb")])
        do { try await body(workspace) } catch {
            await workspace.close()
            throw error
        }
        await workspace.close()
    }

    /// An ordinary user's packages bring a directory of their own.
    private static let canRename = ConditionTrait.enabled("needs extended attributes on tmpfs (Linux 6.6)") {
        let isolation = try await Shared.host.isolation
        return isolation.startedAsRoot || isolation.opaqueDirectories
    }

    @Test(.enabled(if: canBuild, "needs dpkg and dpkg-deb"), canRename)
    func `A package is installed and removed`() async throws {
        // An ordinary user's /usr belongs to somebody who is nobody inside.
        let asRoot = try await Shared.host.isolation.startedAsRoot
        let prefix = asRoot ? "usr/bin" : "opt/bin"
        try await withPackage(prefix) { workspace in
            let installed = try await workspace.exec(
                .shell("dpkg -i /packages/hello.deb && /\(prefix)/ise-hello; cat /var/lib/ise-hello"))
            #expect(installed.stdout.text.hasSuffix("hello\n0\n"), "\(installed.stdout.text)\(installed.stderr.text)")
            let paths = Set(installed.changes?.map(\.path) ?? [])
            #expect(paths.isSuperset(of: ["/\(prefix)/ise-hello", "/etc/ise-hello.conf", "/var/lib/dpkg/status"]))
            let removed = try await workspace.exec(
                .shell("dpkg -P ise-hello; ls /\(prefix)/ise-hello /etc/ise-hello.conf"))
            #expect(removed.exitCode == 2, "\(removed.stdout.text)")
        }
        #expect(access("/\(prefix)/ise-hello", F_OK) != 0 && access("/etc/ise-hello.conf", F_OK) != 0)
    }

    @Test(
        .enabled(if: canBuild && access("/usr/bin/apt-get", X_OK) == 0, "needs dpkg, dpkg-deb and apt-get"), canRename)
    func `apt-get installs from a file that was bound`() async throws {
        let asRoot = try await Shared.host.isolation.startedAsRoot
        try await withPackage(asRoot ? "usr/bin" : "opt/bin") { workspace in
            let result = try await workspace.exec(
                .shell(
                    "apt-get install -y /packages/hello.deb 2>&1 && apt-cache policy ise-hello; dpkg -l ise-hello | grep ^ii"
                ))
            #expect(result.stdout.text.contains("ii  ise-hello"), "\(result.stdout.text)")
        }
    }

    @Test(.enabled(if: access("/usr/sbin/useradd", X_OK) == 0, "needs useradd"))
    func `Accounts and files of the system are changed, inside only`() async throws {
        let before = (hostFile("/etc/passwd"), hostFile("/etc/hosts"))
        let asRoot = try await Shared.host.isolation.startedAsRoot
        let command = """
            set -e; groupadd helpers; useradd \(asRoot ? "-m" : "-M") -g helpers helper; id helper
            echo 192.0.2.1 elsewhere >> /etc/hosts; tail -1 /etc/hosts; rm /etc/debian_version; mkdir /etc/own.d
            """
        let result = try await Shared.run(command, policy)
        #expect(result.exitCode == 0, "\(result.stderr.text)")
        #expect(result.stdout.text.contains("(helper)") && result.stdout.text.hasSuffix("192.0.2.1 elsewhere\n"))
        #expect(result.denials.isEmpty)
        if asRoot {
            let owned = try await Shared.run(
                "useradd -m helper && su -s /bin/sh -c true helper; stat -c %U /home/helper", policy)
            #expect(owned.stdout.text.hasSuffix("helper\n"), "\(owned.stdout.text)\(owned.stderr.text)")
        }
        #expect(before == (hostFile("/etc/passwd"), hostFile("/etc/hosts")))
    }
}
