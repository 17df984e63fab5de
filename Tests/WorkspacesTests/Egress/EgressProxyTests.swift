import Glibc
import Testing

@testable import Workspaces

/// The proxy on a socket of the host's, with names that mean what the test says.
@Suite struct EgressProxyTests {
    private func get(_ authority: String, _ path: String = "/") -> String {
        "GET http://\(authority)\(path) HTTP/1.1\r\nHost: \(authority)\r\n\r\n"
    }

    /// A server, and a proxy whose rules name its address besides those given.
    private func withServer(
        _ rules: (UInt16) -> [String], names: [String: [String]] = [:], limits: EgressLimits = EgressLimits(),
        _ body: (TestServer, TestProxy) async throws -> Void
    ) async throws {
        let server = TestServer()
        defer { server.stop() }
        try await TestProxy.with(rules(server.port), names: names, limits: limits) { try await body(server, $0) }
    }

    @Test func `A plain request reaches an allowed server, and the log says so`() async throws {
        try await withServer {
            ["127.0.0.1:\($0)"]
        } _: { server, proxy in
            let answer = await proxy.send(get("127.0.0.1:\(server.port)", "/file"))
            #expect(answer.hasSuffix("hello from the server"))
            let request = try #require(server.requests.first)
            #expect(request == "GET /file HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nConnection: close\r\n\r\n")
            let attempt = try #require(proxy.attempts.first)
            #expect(
                (attempt.verdict, attempt.method, attempt.host, attempt.port) == (
                    .allowed, "GET", "127.0.0.1", Int(server.port)
                ))
            #expect((attempt.bytesOut, attempt.bytesIn) == (request.utf8.count, answer.utf8.count))
            #expect(attempt.address == "127.0.0.1" && attempt.reason == "rule 127.0.0.1:\(server.port)")
            #expect(attempt.time > 1_700_000_000_000_000_000)
        }
    }

    @Test func `A wildcard allows what is below its domain`() async throws {
        let names = ["a.b.allowed.example": ["127.0.0.1"], "allowed.example": ["127.0.0.1"]]
        try await withServer({ ["*.allowed.example:\($0)", "127.0.0.1:\($0)"] }, names: names) { server, proxy in
            #expect(await proxy.send(get("A.b.allowed.example.:\(server.port)")).contains("hello"))
            #expect(await proxy.send(get("allowed.example:\(server.port)")).hasPrefix("HTTP/1.1 403 "))
            #expect(proxy.askedNames == ["a.b.allowed.example"], "only allowed names may be looked up")
        }
    }

    @Test func `A tunnel carries bytes both ways`() async throws {
        let names = ["tunnel.example": ["127.0.0.1"]]
        try await withServer({ ["tunnel.example:\($0)", "127.0.0.1:\($0)"] }, names: names) { server, proxy in
            let port = server.port
            let answer = await proxy.send("CONNECT tunnel.example:\(port) HTTP/1.0\r\n\r\nGET /in HTTP/1.0\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK"))
            #expect(server.requests == ["GET /in HTTP/1.0\r\n\r\n"])
            #expect(proxy.attempts.map(\.verdict) == [.allowed])
        }
    }

    @Test func `A refusal says which rule is missing`() async throws {
        try await TestProxy.with([]) { proxy in
            for request in [get("some.example"), "CONNECT some.example:443 HTTP/1.0\r\n\r\n"] {
                let answer = await proxy.send(request)
                let port = request.hasPrefix("GET") ? 80 : 443
                #expect(answer.hasPrefix("HTTP/1.1 403 No rule allows some.example:\(port)\r\n"))
                #expect(answer.hasSuffix("The missing rule is some.example:\(port)\n"))
            }
            #expect(proxy.attempts.map(\.verdict) == [.refused, .refused])
            #expect(proxy.attempts.map(\.method) == ["GET", "CONNECT"])
            #expect(proxy.askedNames.isEmpty)
        }
    }

    @Test(arguments: [
        ["10.0.0.1"], ["127.0.0.1"], ["::1"], ["169.254.169.254"], ["fd00:ec2::254"], ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"], ["0.0.0.0"], ["100.64.0.1", "192.168.0.1"],
    ])
    func `An allowed name that resolves to what is not public is refused`(_ addresses: [String]) async throws {
        try await TestProxy.with(["rebound.example:443"], names: ["rebound.example": addresses]) { proxy in
            let answer = await proxy.send("CONNECT rebound.example:443 HTTP/1.0\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 403 "))
            for address in addresses { #expect(answer.contains(address)) }
            #expect(answer.contains("The missing rule is \(IPAddress(addresses[0])?.inAuthority ?? ""):443"))
            #expect(proxy.attempts.map(\.verdict) == [.refused])
            #expect(proxy.askedNames == ["rebound.example"], "what is checked must be what is connected to")
        }
    }

    @Test func `Of several addresses only those that may be reached are tried`() async throws {
        let names = ["mixed.example": ["10.255.255.1", "127.0.0.1"]]
        try await withServer({ ["mixed.example:\($0)", "127.0.0.1:\($0)"] }, names: names) { server, proxy in
            #expect(await proxy.send(get("mixed.example:\(server.port)")).contains("hello"))
            #expect(proxy.attempts.first?.address == "127.0.0.1")
        }
    }

    @Test func `The host's own addresses count as private`() throws {
        let rules = EgressRules(rules: try EgressRule.list(["a.example:443"]))
        let own = try #require(IPAddress("8.8.4.4"))
        let target = try EgressTarget(authority: "a.example:443", defaultPort: nil)
        #expect(rules.permitted([own], of: target, own: [own]).addresses.isEmpty)
        #expect(rules.permitted([own], of: target, own: []).addresses == [own])
        #expect(Resolver.ownAddresses().contains(IPAddress(bytes: [127, 0, 0, 1])))
    }

    @Test func `Names and servers that are not there are failures, not refusals`() async throws {
        let listener = Loopback.listener()
        close(listener.descriptor)  // nobody listens there now
        try await TestProxy.with(["gone.example:80", "127.0.0.1:\(listener.port)"]) { proxy in
            #expect(await proxy.send(get("gone.example")).hasPrefix("HTTP/1.1 502 "))
            #expect(await proxy.send(get("127.0.0.1:\(listener.port)")).hasPrefix("HTTP/1.1 502 "))
            #expect(proxy.attempts.map(\.verdict) == [.failed, .failed])
            #expect(proxy.attempts[0].reason.contains("no such name"))
        }
    }

    @Test func `A second request on the same connection goes nowhere`() async throws {
        try await withServer {
            ["127.0.0.1:\($0)"]
        } _: { server, proxy in
            let one = get("127.0.0.1:\(server.port)", "/one")
            let answer = await proxy.send(one + get("evil.example", "/two") + one)
            #expect(answer.hasSuffix("hello from the server"))
            #expect(server.requests.count == 1 && server.requests[0].hasPrefix("GET /one "))
            #expect(proxy.attempts.map(\.verdict) == [.allowed, .refused])
        }
    }

    @Test func `Bodies go on whole, by length and in chunks`() async throws {
        try await withServer {
            ["127.0.0.1:\($0)"]
        } _: { server, proxy in
            let start = "POST http://127.0.0.1:\(server.port)/ HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n"
            let body = String(repeating: "x", count: 99_997) + "END"
            #expect(await proxy.send(start + "Content-Length: 100000\r\n\r\n" + body).contains("hello"))
            #expect(server.requests.last?.hasSuffix(body) == true)
            let chunks = "5\r\nab\r\nc\r\n3\r\nEND\r\n0\r\n\r\n"
            #expect(await proxy.send(start + "Transfer-Encoding: chunked\r\n\r\n" + chunks).contains("hello"))
            #expect(server.requests.last?.contains("\r\n\r\n5\r\nab\r\nc\r\n3\r\nEND") == true)
            #expect(proxy.attempts.map(\.verdict) == [.allowed, .allowed])
        }
    }

    @Test func `Broken requests are answered with 400, logged, and nothing is connected to`() async throws {
        try await withServer {
            ["127.0.0.1:\($0)"]
        } _: { server, proxy in
            let host = "127.0.0.1:\(server.port)"
            let requests = [
                "CONNECT evil.example\u{0}.127.0.0.1:\(server.port) HTTP/1.0\r\n\r\n",
                "GET http://\(host)/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
                "POST http://\(host)/ HTTP/1.1\r\nHost: \(host)\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                "GET http://\(host)/ HTTP/1.1\nHost: \(host)\n\n", "\u{16}\u{3}\u{1}", "\u{5}\u{1}\u{0}",
            ]
            for request in requests { #expect(await proxy.send(request).hasPrefix("HTTP/1.1 400 Bad Request\r\n")) }
            #expect(proxy.attempts.map(\.verdict) == requests.map { _ in .refused })
            #expect(proxy.attempts[0].reason.contains("CONNECT evil.example\\x00.127.0.0.1"))
            #expect(server.requests.isEmpty)
        }
    }

    @Test func `A TLS client in a tunnel must ask for the host that it was opened to`() async throws {
        let names = ["front.example": ["127.0.0.1"]]
        try await withServer({ ["front.example:\($0)", "127.0.0.1:\($0)"] }, names: names) { server, proxy in
            func tunnel(_ hello: [UInt8]) async -> String {
                let connect = "CONNECT front.example:\(server.port) HTTP/1.0\r\n\r\n"
                return await Loopback.exchange(proxy.port, Array(connect.utf8), hello + Array("\r\n\r\n".utf8))
            }
            #expect(await tunnel(EgressParserTests.hello("Front.example")).contains("hello from the server"))
            let refused = await tunnel(EgressParserTests.hello("hidden.example"))
            #expect(!refused.contains("hello from the server"))
            #expect(refused.utf8.suffix(2).elementsEqual([2, 49]), "no access_denied alert")
            #expect(server.requests.count == 1)
            #expect(proxy.attempts.map(\.verdict) == [.allowed, .refused])
            #expect(proxy.attempts[1].reason.contains("hidden.example") && proxy.attempts[1].bytesOut == 0)
        }
    }

    @Test func `A tunnel ends when both sides have ended`() async throws {
        try await withServer {
            ["127.0.0.1:\($0)"]
        } _: { server, proxy in
            let port = (proxy.port, server.port)
            let answer = await Loopback.onThread { () -> String in
                let client = Loopback.connect(port.0)
                defer { close(client) }
                Loopback.write(Array("CONNECT 127.0.0.1:\(port.1) HTTP/1.0\r\n\r\n".utf8), to: client)
                let first = Loopback.read(client, until: "\r\n\r\n")
                Loopback.write(Array("GET / HTTP/1.0\r\n\r\n".utf8), to: client)
                shutdown(client, Int32(SHUT_WR))
                return first + Loopback.read(client)
            }
            #expect(answer.contains("hello from the server"))
            let ended = try await eventually { proxy.proxy.connectionCount == 0 }
            #expect(ended)
        }
    }

    // MARK: Limits

    @Test func `More connections than allowed are turned away`() async throws {
        var limits = EgressLimits()
        limits.connections = 2
        try await TestProxy.with([], limits: limits) { proxy in
            let idle = [Loopback.connect(proxy.port), Loopback.connect(proxy.port)]
            let full = try await eventually { proxy.proxy.connectionCount == 2 }
            #expect(full)
            #expect(await proxy.send("").hasPrefix("HTTP/1.1 503 Too Many Connections\r\n"))
            for descriptor in idle { close(descriptor) }
            let empty = try await eventually { proxy.proxy.connectionCount == 0 }
            #expect(empty)
            #expect(proxy.attempts.map(\.verdict) == [.refused, .refused, .refused])
        }
    }

    @Test func `A head that is too long is refused`() async throws {
        var limits = EgressLimits()
        limits.headBytes = 500
        try await TestProxy.with([], limits: limits) { proxy in
            #expect(
                await proxy.send(get("a.example", "/" + String(repeating: "x", count: 1000))).hasPrefix("HTTP/1.1 431 ")
            )
        }
    }

    @Test func `Connections over which nothing goes are closed`() async throws {
        var limits = EgressLimits()
        limits.idle = .milliseconds(200)
        let silent = Loopback.listener()
        defer { close(silent.descriptor) }
        try await TestProxy.with(["127.0.0.1:\(silent.port)"], limits: limits) { proxy in
            #expect(
                await proxy.send("CONNECT 127.0.0.1:\(silent.port) HTTP/1.0\r\n\r\n")
                    == "HTTP/1.1 200 Connection established\r\n\r\n")
            #expect(await proxy.send("CONNECT 127.0.0.1:") == "")
            #expect(proxy.attempts.map(\.verdict) == [.allowed, .refused])
            #expect(proxy.attempts[0].reason.contains("cut off: nothing went over it"))
            #expect(proxy.attempts[1].reason.contains("no request came"))
        }
    }

    @Test func `A workspace's bytes can be bounded`() async throws {
        var limits = EgressLimits()
        limits.totalBytes = 200
        try await withServer({ ["127.0.0.1:\($0)"] }, limits: limits) { server, proxy in
            let answers = [
                await proxy.send(get("127.0.0.1:\(server.port)")), await proxy.send(get("127.0.0.1:\(server.port)")),
            ]
            #expect(answers[0].contains("hello"))
            #expect(!answers[1].contains("hello"))
            #expect(proxy.attempts[1].reason.contains("used up its 200 bytes"))
        }
    }

    @Test func `When the log is full nothing gets out`() async throws {
        var limits = EgressLimits()
        limits.attempts = 3
        try await withServer({ ["127.0.0.1:\($0)"] }, limits: limits) { server, proxy in
            var answers: [Bool] = []
            for _ in 0..<5 { answers.append(await proxy.send(get("127.0.0.1:\(server.port)")).contains("hello")) }
            #expect(answers == [true, true, false, false, false])
            #expect(proxy.attempts.count == 3 && proxy.attempts.last?.reason.contains("full") == true)
        }
    }

    @Test func `Letting go of the socket ends its connections`() async throws {
        let silent = Loopback.listener()
        defer { close(silent.descriptor) }
        let proxy = try TestProxy(["127.0.0.1:\(silent.port)"])
        async let answer = proxy.send("CONNECT 127.0.0.1:\(silent.port) HTTP/1.0\r\n\r\n")
        let connected = try await eventually { proxy.attempts.first?.verdict == .allowed }
        #expect(connected)
        proxy.stop()
        #expect(await answer.hasPrefix("HTTP/1.1 200 "))
        #expect(proxy.proxy.connectionCount == 0)
        #expect(proxy.attempts.first?.reason.contains("the workspace was closed") == true)
    }
}
