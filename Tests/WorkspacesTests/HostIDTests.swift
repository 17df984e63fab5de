import Glibc
import Testing

@testable import Workspaces

/// Started as root, each workspace has host ids of its own.
@Suite struct HostIDTests {
    @Test func `No two workspaces have a host id in common, and forks have their parent's`() async throws {
        try await withOwnIDs { host in
            let first = try await host.open()
            let second = try await host.open()
            #expect(try owner(of: first) != owner(of: second))
            try await first.write("mine", [1])
            let fork = try await host.open(try await first.snapshot())
            #expect(try owner(of: fork) == owner(of: first))
            let seen = try await fork.exec(.shell("stat -c '%U %G' mine / /home/user /dev/null /usr/bin/env"))
            #expect(seen.stdout.text == "user user\nroot root\nuser user\nroot root\nroot root\n")
            #expect(try await fork.exec(.shell("echo more >> mine && wc -c < mine")).stdout.text == "6\n")
        }
    }

    /// The kernel bounds the descriptors of a user that are on their way through sockets, whoever sends them.
    @Test func `Descriptors on their way in one workspace hold up no other`() async throws {
        try await withOwnIDs { host in
            let greedy = try await host.open()
            let other = try await host.open()
            let send = """
                import socket, sys, time
                a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
                sent, pairs = 0, [(a, b)]
                try:
                    while sent < int(sys.argv[1]):
                        if sent % 8 == 0:
                            pairs.append(socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
                        socket.send_fds(pairs[-1][0], [b"x"], [0] * 200)
                        sent += 1
                except OSError as error:
                    print(error.strerror, flush=True)
                else:
                    print("sent", flush=True)
                time.sleep(float(sys.argv[2]))
                """
            let job = try await greedy.start(ExecRequest(argv: ["python3", "-c", send, "1000", "60"]))
            #expect(try await eventually { job.stdout.text == "Too many references: cannot splice\n" })
            let result = try await other.exec(ExecRequest(argv: ["python3", "-c", send, "1", "0"]))
            #expect(result.stdout.text == "sent\n")
        }
    }

    private func owner(of workspace: Workspace) throws -> String {
        var status = stat()
        let pid = try #require(workspace.initPID)
        #expect(stat("/proc/\(pid)/root/home/user", &status) == 0)
        return String(status.st_uid)
    }

    private func withOwnIDs(_ body: (WorkspaceHost) async throws -> Void) async throws {
        let host = try await Shared.host
        guard host.isolation.ownHostIDs else {
            try Test.cancel("workspaces share their host ids here: that takes root and Linux 6.3")
        }
        try await body(host)
    }
}
