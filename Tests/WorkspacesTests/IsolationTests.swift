import Glibc
import Testing

@testable import Workspaces

@Suite struct IsolationTests {
    @Test func `Inside it is an ordinary user without any privilege`() async throws {
        let result = try await Shared.run(
            "id -u; id -un; grep -E '^(Cap(Eff|Prm|Inh|Bnd|Amb)|NoNewPrivs|Seccomp):' /proc/self/status")
        let none = "0000000000000000"
        #expect(
            result.stdout.text.split(whereSeparator: \.isNewline).map { $0.replacing("\t", with: "") } == [
                "1000", "user", "CapInh:\(none)", "CapPrm:\(none)", "CapEff:\(none)", "CapBnd:\(none)",
                "CapAmb:\(none)",
                "NoNewPrivs:1", "Seccomp:2",
            ])
    }

    @Test func `On the host it is never root`() async throws {
        try await Shared.withWorkspace { workspace in
            let marker = "8\(getpid())2"
            let task = Task { try await workspace.exec(.shell("exec sleep \(marker)", timeout: .seconds(30))) }
            #expect(try await eventually { !hostProcesses(withCommand: "sleep\0\(marker)").isEmpty })
            for pid in hostProcesses(withCommand: "sleep\0\(marker)") {
                let ids = hostFile("/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix("Uid:") } ?? ""
                #expect(!ids.split(separator: "\t").dropFirst().contains("0"), "it runs as \(ids)")
            }
            task.cancel()
            _ = try await task.value
        }
    }

    @Test func `The host's files and processes are not there`() async throws {
        let name = "/tmp/ise-host-file-\(getpid())"
        let descriptor = creat(name, 0o644)
        close(descriptor)
        defer { unlink(name) }
        let result = try await Shared.run(
            "ls \(name); ls /home; ls -A /home/user; ls /sys /boot /media; ps -e | wc -l; ls /proc | grep -c '^[0-9]'")
        #expect(result.stdout.text.split(separator: "\n").first == "user")
        #expect(result.stderr.text.contains(name))
        for gone in ["/sys", "/boot", "/media"] { #expect(result.stderr.text.contains("'\(gone)'")) }
        let processes = result.stdout.text.split(separator: "\n").compactMap { Int($0) }
        #expect(processes.allSatisfy { $0 < 8 })
    }

    @Test func `The host's network is out of reach`() async throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(listener, raw, length)
                listen(listener, 1)
                getsockname(listener, raw, &length)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        let result = try await Shared.withWorkspace {
            try await $0.exec(
                ExecRequest(argv: [
                    "bash", "-c",
                    """
                    (exec 3<>/dev/tcp/127.0.0.1/\(port)) 2>/dev/null || echo refused
                    (exec 3<>/dev/tcp/192.0.2.1/80) 2>/dev/null || echo unreachable
                    """,
                ]))
        }
        #expect(result.stdout.text == "refused\nunreachable\n")
    }

    @Test func `Loopback works within a workspace, and only there`() async throws {
        let talk = """
            import socket, threading
            s = socket.socket(); s.bind(("127.0.0.1", 8080)); s.listen()
            threading.Thread(target=lambda: s.accept()[0].sendall(b"hello"), daemon=True).start()
            print(socket.create_connection(("127.0.0.1", 8080)).recv(5).decode())
            """
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    try await Shared.withWorkspace {
                        let result = try await $0.exec(ExecRequest(argv: ["python3", "-c", talk]))
                        return result.stdout.text + result.stderr.text
                    }
                }
            }
            for try await said in group { #expect(said == "hello\n") }
        }
    }

    @Test func `Without a network there is not even a loopback`() async throws {
        var policy = Policy()
        policy.network = .none
        let up = try await Shared.withWorkspace(policy) {
            try await $0.exec(ExecRequest(argv: ["bash", "-c", "(exec 3<>/dev/tcp/127.0.0.1/1) 2>&1"]))
        }
        #expect(up.stdout.text.contains("Network is unreachable"))
    }

    @Test func `Workspaces do not see each other`() async throws {
        try await Shared.withWorkspace { first in
            try await Shared.withWorkspace { second in
                try await first.write("/tmp/mine", [1])
                _ = try await first.exec(.shell("sleep 100 & ipcmk -M 4096 > /dev/null; echo x > /dev/shm/mine"))
                let seen = try await second.exec(
                    .shell("ls /tmp /dev/shm; ps ax | grep -c '[s]leep'; ipcs -m | grep -c 0x"))
                #expect(seen.stdout.text == "/dev/shm:\n\n/tmp:\n0\n0\n")
            }
        }
    }

    @Test func `System files cannot be changed by the user`() async throws {
        let before = hostFile("/etc/hostname")
        let result = try await Shared.run(
            "for f in /etc/passwd /usr/bin/env /proc/sys/kernel/core_pattern /dev/new; do sh -c \"echo x > $f\" || echo no; done"
        )
        #expect(result.stdout.text == "no\nno\nno\nno\n" || !result.isolation)
        #expect(hostFile("/etc/hostname") == before)
    }

    @Test func `The root identity may change its own system and nothing of the host`() async throws {
        var policy = Policy()
        policy.identity = .root
        let host = try await Shared.host
        let before = hostFile("/etc/passwd")
        let result = try await Shared.run("id -u; echo 'x:x:5:5::/:' >> /etc/passwd && tail -1 /etc/passwd", policy)
        #expect(result.stdout.text == "0\nx:x:5:5::/:\n")
        #expect(hostFile("/etc/passwd") == before)
        if host.isolation.startedAsRoot {
            let usr = try await Shared.run("rm /usr/bin/env && touch /usr/bin/mine && ls /usr/bin/mine", policy)
            #expect(usr.stdout.text == "/usr/bin/mine\n", "\(usr.stderr.text)")
            #expect(access("/usr/bin/env", X_OK) == 0 && access("/usr/bin/mine", F_OK) != 0)
        }
    }

    @Test func `A limit that the policy requires and the machine lacks is an error`() async throws {
        var policy = Policy()
        policy.limits.required = [.cpu]
        let host = try await Shared.host
        if host.isolation.enforces(.cpu) {
            #expect(try await Shared.run("echo fine", policy).stdout.text == "fine\n")
        } else {
            await #expect(throws: WorkspaceError.self) { _ = try await Shared.run("true", policy) }
        }
    }

    @Test func `Memory is bounded`() async throws {
        var policy = Policy()
        policy.limits.memoryBytes = 64 << 20
        let result = try await Shared.withWorkspace(policy) {
            try await $0.exec(ExecRequest(argv: ["python3", "-c", "x = bytearray(500 << 20); print(len(x))"]))
        }
        #expect(result.exitCode != 0)
        #expect(result.stdout.text == "")
        if try await Shared.host.isolation.enforces(.memory) {
            #expect(result.endedBy == .memoryLimit)
            #expect(result.limitHits == [LimitHit(limit: .memory, count: 1)])
        }
    }

    @Test func `Processes are bounded`() async throws {
        var policy = Policy()
        policy.limits.processes = 20
        let result = try await Shared.run(
            "for i in $(seq 1 100); do sleep 50 & done 2>&1; jobs | wc -l; exit 1", policy)
        #expect(result.stdout.text.contains("ork"), "it never failed to fork: \(result.stdout.text)")
        let isCounted = try await Shared.host.isolation.countsProcesses
        #expect(result.limitHits.contains { $0.limit == .processes } == isCounted, "\(result.limitHits)")
    }
}

extension ExecResult {
    /// Where the user owns the template's files (an ordinary user's launcher), it may change its own copy of them.
    fileprivate var isolation: Bool { geteuid() == 0 }
}
