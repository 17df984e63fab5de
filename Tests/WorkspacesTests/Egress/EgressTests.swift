import Glibc
import Testing

@testable import Workspaces

/// Workspaces whose only way out is an allow-list.
@Suite struct EgressTests {
    private func policy(_ rules: String...) throws -> Policy {
        var policy = Policy()
        policy.network = .allowList(try EgressRule.list(rules))
        return policy
    }

    /// Fetches as programs do, by the environment's proxy; prints the body, or the error with its body.
    private static let fetch = """
        import sys, urllib.request
        for url in sys.argv[1:]:
            try: print(urllib.request.urlopen(url, timeout=20).read().decode())
            except Exception as error: print(error, getattr(error, "read", lambda: b"")().decode().strip())
        """

    /// Sends raw bytes to the proxy (Python's escapes), prints the first line of each answer.
    private static let raw = """
        import sys, socket
        for text in sys.argv[1:]:
            s = socket.create_connection(("127.0.0.1", 3128), 20)
            s.sendall(text.encode().decode("unicode_escape").encode("latin-1"))
            answer = b""
            while b"\\r\\n" not in answer:
                more = s.recv(4096)
                if not more: break
                answer += more
            print(answer.split(b"\\r\\n")[0].decode())
        """

    private func python(_ script: String, _ arguments: [String], direct: String = "") -> ExecRequest {
        // Loopback goes around a proxy by default, and loopback servers are all that a test has.
        ExecRequest(
            argv: ["python3", "-c", script] + arguments, environment: ["NO_PROXY": direct, "no_proxy": direct],
            timeout: .seconds(60))
    }

    @Test func `An allowed server is reached, and the attempt is part of the result`() async throws {
        let server = TestServer()
        defer { server.stop() }
        try await Shared.withWorkspace(policy("127.0.0.1:\(server.port)")) { workspace in
            let result = try await workspace.exec(python(Self.fetch, ["http://127.0.0.1:\(server.port)/file"]))
            #expect(result.stdout.text == "hello from the server\n", "\(result.stderr.text)")
            let attempt = try #require(result.networkAttempts.first)
            #expect(result.networkAttempts.count == 1)
            #expect(attempt.verdict == .allowed && attempt.method == "GET" && attempt.bytesIn > 60)
            #expect(try await workspace.exec(.shell("true")).networkAttempts.isEmpty)
            #expect(workspace.egressAttempts == result.networkAttempts)
            #expect(server.requests.count == 1)
        }
    }

    @Test func `What no rule names is refused with the missing rule`() async throws {
        let server = TestServer()
        defer { server.stop() }
        let other = server.port == 65535 ? 65534 : server.port + 1
        try await Shared.withWorkspace(policy("127.0.0.1:\(server.port)", "*.allowed.example:80")) { workspace in
            let urls = [
                "http://127.0.0.1:\(other)/", "http://denied.example/", "http://allowed.example/",
                "https://denied.example/",
            ]
            let result = try await workspace.exec(python(Self.fetch, urls))
            let lines = result.stdout.text.split(separator: "\n")
            #expect(lines.count == 4 && lines.allSatisfy { $0.contains("403") }, "\(result.stdout.text)")
            for (line, rule) in zip(
                lines, ["127.0.0.1:\(other)", "denied.example:80", "allowed.example:80", "denied.example:443"])
            {
                #expect(line.contains("No rule allows \(rule)"))
            }
            #expect(result.networkAttempts.map(\.verdict) == [.refused, .refused, .refused, .refused])
            #expect(
                result.networkAttempts.map(\.host) == [
                    "127.0.0.1", "denied.example", "allowed.example", "denied.example",
                ])
        }
    }

    @Test func `An empty list allows nothing`() async throws {
        try await Shared.withWorkspace(policy()) { workspace in
            let result = try await workspace.exec(python(Self.raw, ["CONNECT a.example:443 HTTP/1.0\\r\\n\\r\\n"]))
            #expect(result.stdout.text == "HTTP/1.1 403 No rule allows a.example:443\n", "\(result.stderr.text)")
        }
    }

    @Test func `A name that resolves to loopback is refused though it is allowed`() async throws {
        let server = TestServer()
        defer { server.stop() }
        let connect = "CONNECT localhost:\(server.port) HTTP/1.0\\r\\n\\r\\n"
        try await Shared.withWorkspace(policy("localhost:\(server.port)")) { workspace in
            let result = try await workspace.exec(
                python(Self.raw, [connect, connect.replacing("localhost", with: "LOCALHOST.")]))
            let refused = "HTTP/1.1 403 localhost:\(server.port) resolves to an address that no rule names\n"
            #expect(result.stdout.text == refused + refused)
            #expect(result.networkAttempts.map(\.verdict) == [.refused, .refused])
            #expect(result.networkAttempts.allSatisfy { $0.reason.contains("loopback") })
        }
        // Both said: then it is meant.
        try await Shared.withWorkspace(policy("localhost:\(server.port)", "127.0.0.1:\(server.port)")) { workspace in
            let result = try await workspace.exec(python(Self.fetch, ["http://localhost:\(server.port)/"]))
            #expect(result.stdout.text == "hello from the server\n", "\(result.stderr.text)")
        }
    }

    @Test func `Disguised addresses, NUL bytes and smuggled requests are refused and logged`() async throws {
        let server = TestServer()
        defer { server.stop() }
        let port = server.port
        let host = "127.0.0.1:\(port)"
        let connects = [
            "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "0", "169.254.169.254",
            "metadata.google.internal", "[fd00:ec2::254]",
        ].map { "CONNECT \($0):\(port) HTTP/1.0\\r\\n\\r\\n" }
        let others = [
            "CONNECT evil.example\\x00.127.0.0.1:\(port) HTTP/1.0\\r\\n\\r\\n",
            "CONNECT evil.example\\x00\(host) HTTP/1.0\\r\\n\\r\\n",
            "GET http://\(host)/ HTTP/1.1\\r\\nHost: evil.example\\r\\n\\r\\n",
            "GET http://\(host)/ HTTP/1.1\\r\\nHost: \(host)\\r\\nHost: x\\r\\n\\r\\n",
            "POST http://\(host)/ HTTP/1.1\\r\\nHost: \(host)\\r\\nContent-Length: 3\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n",
            "GET http://\(host)/ HTTP/1.1\\r\\nHost: \(host)\\r\\nX: a\\r\\n b\\r\\n\\r\\n",
            "GET http://\(host)/ HTTP/1.1\\nHost: \(host)\\n\\n",
            "GET http://x@\(host)/ HTTP/1.1\\r\\nHost: \(host)\\r\\n\\r\\n", "\\x05\\x01\\x00\\x05\\x01\\x00\\x03",
        ]
        try await Shared.withWorkspace(policy(host, "*.allowed.example:\(port)")) { workspace in
            let result = try await workspace.exec(python(Self.raw, connects + others))
            let lines = result.stdout.text.split(separator: "\n")
            #expect(lines.count == connects.count + others.count, "\(result.stderr.text)")
            #expect(lines.allSatisfy { $0.hasPrefix("HTTP/1.1 400 ") || $0.hasPrefix("HTTP/1.1 403 ") }, "\(lines)")
            #expect(lines.suffix(others.count).allSatisfy { $0 == "HTTP/1.1 400 Bad Request" })
            #expect(result.networkAttempts.count == lines.count)
            #expect(result.networkAttempts.allSatisfy { $0.verdict == .refused && !$0.reason.isEmpty })
            #expect(server.requests.isEmpty)
        }
    }

    @Test func `A real TLS client gets only to the host that its tunnel was opened to`() async throws {
        let listener = Loopback.listener()
        defer { close(listener.descriptor) }
        async let first = Loopback.onThread { () -> UInt8 in
            let client = accept(listener.descriptor, nil, nil)
            defer { close(client) }
            var byte: UInt8 = 0
            return recv(client, &byte, 1, 0) == 1 ? byte : 0
        }
        let script = """
            import socket, ssl, sys
            for name in sys.argv[1:]:
                s = socket.create_connection(("127.0.0.1", 3128), 20)
                s.sendall(b"CONNECT localhost:\(listener.port) HTTP/1.0\\r\\n\\r\\n")
                assert b" 200 " in s.recv(4096)
                try: ssl.create_default_context().wrap_socket(s, server_hostname=name)
                except OSError as error: print("denied" if "ACCESS_DENIED" in str(error) else "reached")
            """
        try await Shared.withWorkspace(policy("localhost:\(listener.port)", "127.0.0.1:\(listener.port)")) {
            workspace in
            let result = try await workspace.exec(python(script, ["localhost", "hidden.example"]))
            #expect(result.stdout.text == "reached\ndenied\n", "\(result.stderr.text)")
            #expect(result.networkAttempts.map(\.verdict) == [.allowed, .refused])
            #expect(result.networkAttempts.map { $0.bytesOut > 0 } == [true, false])
        }
        #expect(await first == 0x16)
    }

    @Test func `An attempt that its command does not wait for is part of its result`() async throws {
        let script = "exec 3<>/dev/tcp/127.0.0.1/3128; printf 'CONNECT a.example:443 HTTP/1.0\\r\\n\\r\\n' >&3"
        try await Shared.withWorkspace(policy()) { workspace in
            for _ in 0..<30 {
                let result = try await workspace.exec(ExecRequest(argv: ["bash", "-c", script]))
                #expect(result.networkAttempts.map(\.host) == ["a.example"])
            }
        }
    }

    @Test func `There is no way around the proxy`() async throws {
        let server = TestServer()
        defer { server.stop() }
        let script = """
            import errno, socket, sys
            for family, kind, address in [
                (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", \(server.port))), (socket.AF_INET6, socket.SOCK_STREAM, ("::1", \(server.port))),
                (socket.AF_INET, socket.SOCK_STREAM, ("192.0.2.1", 80)), (socket.AF_INET, socket.SOCK_STREAM, ("169.254.169.254", 80)),
                (socket.AF_INET6, socket.SOCK_STREAM, ("2001:db8::1", 80)), (socket.AF_INET, socket.SOCK_DGRAM, ("192.0.2.1", 53))]:
                try: socket.socket(family, kind).connect(address); print("connected")
                except OSError as error: print(errno.errorcode[error.errno])
            try: socket.getaddrinfo("example.org", 80); print("resolved")
            except socket.gaierror: print("no name")
            """
        let result = try await Shared.withWorkspace(policy("127.0.0.1:\(server.port)")) {
            try await $0.exec(python(script, []))
        }
        #expect(
            result.stdout.text.split(separator: "\n")
                == [
                    "ECONNREFUSED", "ECONNREFUSED", "ENETUNREACH", "ENETUNREACH", "ENETUNREACH", "ENETUNREACH",
                    "no name",
                ],
            "\(result.stderr.text)")
        #expect(server.requests.isEmpty && result.networkAttempts.isEmpty)
    }

    @Test func `A sibling cannot reach the proxy`() async throws {
        let probe = ExecRequest(argv: [
            "bash", "-c", "(exec 3<>/dev/tcp/127.0.0.1/3128) 2>/dev/null && echo there || echo none",
        ])
        try await Shared.withWorkspace(policy("127.0.0.1:80")) { workspace in
            #expect(try await workspace.exec(probe).stdout.text == "there\n")
            let sibling = try await Shared.withWorkspace { try await $0.exec(probe) }
            #expect(sibling.stdout.text == "none\n")
            // One with a list of its own has its own proxy, and its own log.
            try await Shared.withWorkspace(policy()) { other in
                let asked = try await other.exec(python(Self.raw, ["GET http://127.0.0.1/ HTTP/1.0\\r\\n\\r\\n"]))
                #expect(asked.stdout.text == "HTTP/1.1 403 No rule allows 127.0.0.1:80\n")
                #expect(other.egressAttempts.count == 1)
            }
            #expect(workspace.egressAttempts.map(\.method) == [""])
        }
    }

    @Test func `The environment names the proxy only where there is one`() async throws {
        let command = ExecRequest.shell("env | grep -i proxy | sort")
        let with = try await Shared.withWorkspace(policy()) { try await $0.exec(command) }
        let proxy = "http://127.0.0.1:3128"
        let direct = "localhost,127.0.0.1,::1"
        let expected = [
            "HTTPS_PROXY=\(proxy)", "HTTP_PROXY=\(proxy)", "NO_PROXY=\(direct)", "http_proxy=\(proxy)",
            "https_proxy=\(proxy)", "no_proxy=\(direct)",
        ]
        #expect(Set(with.stdout.text.split(separator: "\n").map(String.init)) == Set(expected))
        #expect(try await Shared.run("env | grep -i proxy").stdout.text == "")
    }

    @Test func `Closing the workspace closes its connections`() async throws {
        let silent = Loopback.listener()
        defer { close(silent.descriptor) }
        let workspace = try await Shared.host.open(policy("127.0.0.1:\(silent.port)"))
        let hold = """
            import socket
            s = socket.create_connection(("127.0.0.1", 3128)); s.sendall(b"CONNECT 127.0.0.1:\(silent.port) HTTP/1.0\\r\\n\\r\\n")
            print(s.recv(100), flush=True); s.recv(1)
            """
        let job = try await workspace.start(python(hold, []))
        #expect(try await eventually { job.stdout.text.contains("200") })
        let server = await Loopback.onThread { accept(silent.descriptor, nil, nil) }
        defer { close(server) }
        await workspace.close()
        #expect(await Loopback.onThread { Loopback.read(server) } == "", "the server's side did not end")
        #expect(workspace.egress?.connectionCount == 0)
        #expect(workspace.egressAttempts.map(\.verdict) == [.allowed])
    }

    @Test func `The proxy goes on after a snapshot, and a fork has its own`() async throws {
        let server = TestServer()
        defer { server.stop() }
        try await Shared.withWorkspace(policy("127.0.0.1:\(server.port)")) { workspace in
            let request = python(Self.fetch, ["http://127.0.0.1:\(server.port)/"])
            #expect(try await workspace.exec(request).stdout.text == "hello from the server\n")
            let fork = try await Shared.host.open(workspace.snapshot())
            #expect(try await workspace.exec(request).stdout.text == "hello from the server\n")
            #expect(try await fork.exec(request).stdout.text == "hello from the server\n")
            #expect(workspace.egressAttempts.count == 2 && fork.egressAttempts.count == 1)
            await fork.close()
        }
    }

    @Test func `Many lists cost the launcher one policy`() async throws {
        try await withThrowingTaskGroup(of: String.self) { group in
            for index in 0..<80 {
                group.addTask {
                    try await Shared.withWorkspace(policy("host-\(index).example:443")) {
                        try await $0.exec(.shell("echo \(index)")).stdout.text
                    }
                }
            }
            var seen: Set<String> = []
            for try await text in group { seen.insert(text) }
            #expect(seen.count == 80)
        }
    }

    @Test func `The host's network is reached where it is asked for by name`() async throws {
        let server = TestServer()
        defer { server.stop() }
        var policy = Policy()
        policy.network = .host
        try await Shared.withWorkspace(policy) { workspace in
            let result = try await workspace.exec(
                python(Self.fetch, ["http://127.0.0.1:\(server.port)/"], direct: "127.0.0.1"))
            #expect(result.stdout.text == "hello from the server\n", "\(result.stderr.text)")
            let identity = try await workspace.exec(
                .shell("id -u; cat /proc/self/status | grep CapEff; ls /root 2>&1 | tail -1"))
            #expect(identity.stdout.text.hasPrefix("1000\nCapEff:\t0000000000000000\n"))
        }
        // The others are still on their own.
        #expect(
            try await Shared.run("(exec 3<>/dev/tcp/127.0.0.1/\(server.port)) 2>/dev/null && echo there || echo none")
                .stdout.text == "none\n")
    }

    @Test func `A host that is shut down leaves no second launcher`() async throws {
        let host = try await WorkspaceHost.start()
        var policy = Policy()
        policy.network = .host
        let marker = "5\(getpid())7"
        let workspaces = [try await host.open(policy), try await host.open(policy)]
        for workspace in workspaces { _ = try await workspace.start(.shell("exec sleep \(marker)")) }
        #expect(try await eventually { hostProcesses(withCommand: "sleep\0\(marker)").count == 2 })
        let launchers = Set(hostProcesses(withCommand: "sleep\0\(marker)").map { parent(of: parent(of: $0)) })
        #expect(launchers.count == 1 && launchers.allSatisfy { parent(of: $0) == getpid() })
        await host.shutdown()
        #expect(hostProcesses(withCommand: "sleep\0\(marker)").isEmpty)
        #expect(launchers.allSatisfy { parent(of: $0) != getpid() })
    }

    private func parent(of pid: pid_t) -> pid_t {
        let status = hostFile("/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        return status.count > 1 ? pid_t(status[1]) ?? 0 : 0
    }
}
