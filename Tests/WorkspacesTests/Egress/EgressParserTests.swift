import Testing

@testable import Workspaces

@Suite struct EgressParserTests {
    private func parse(_ text: String, limit: Int = 16 << 10) throws -> EgressRequest? {
        var reader = HTTPHeadReader(limit: limit)
        guard let (head, _) = try reader.append(Array(text.utf8)) else { return nil }
        return try EgressRequest(head)
    }

    private func isRefused(_ text: String) -> BadRequest? {
        do {
            let request = try parse(text)
            Issue.record("was taken: \(String(describing: request))")
            return nil
        } catch {
            return error as? BadRequest
        }
    }

    @Test func `A plain request goes on without what concerns only the proxy`() throws {
        let request = try #require(
            try parse(
                "GET http://Example.org:8080/a?b=c HTTP/1.1\r\nHost: example.ORG:8080\r\nProxy-Authorization: Basic eDp5\r\n"
                    + "Connection: keep-alive, x-mine\r\nX-Mine: 1\r\nX-Other:\t two \r\nUpgrade: h2c\r\n\r\n"))
        #expect(request.target.description == "example.org:8080")
        #expect(
            String(decoding: request.head, as: UTF8.self)
                == "GET /a?b=c HTTP/1.1\r\nHost: example.org:8080\r\nX-Other: two\r\nConnection: close\r\n\r\n")
    }

    @Test(arguments: [
        ("http://a.example", "/"), ("http://a.example/", "/"), ("http://a.example?q", "/?q"),
        ("HTTP://A.example:80/x", "/x"),
        ("http://[2001:DB8::1]/y", "/y"),
    ])
    func `The path is what follows the authority`(_ target: String, _ path: String) throws {
        let request = try #require(try parse("GET \(target) HTTP/1.0\r\n\r\n"))
        #expect(String(decoding: request.head, as: UTF8.self).hasPrefix("GET \(path) HTTP/1.0\r\nHost: "))
        #expect(request.target.port == 80)
    }

    @Test func `A tunnel needs a port, and no Host in HTTP 1.0`() throws {
        let request = try #require(try parse("CONNECT a.example:443 HTTP/1.0\r\n\r\n"))
        #expect(request.isTunnel && request.head.isEmpty && request.target.port == 443)
        #expect(try parse("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n") != nil)
        for target in [
            "a.example", "a.example:", "http://a.example:443", "/", "*", "a.example:443/x", "x@a.example:443",
        ] {
            #expect(isRefused("CONNECT \(target) HTTP/1.0\r\n\r\n")?.status == 400)
        }
    }

    private static let start = "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\n"

    private static let ambiguous = [
        // Two ways to read where the request ends.
        start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        start + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
        start + "Content-Length: 5\r\ncontent-length: 6\r\n\r\n", start + "Content-Length: 5, 5\r\n\r\n",
        start + "Content-Length: +5\r\n\r\n", start + "Content-Length: -1\r\n\r\n",
        start + "Content-Length: 0x5\r\n\r\n",
        start + "Content-Length: 5 5\r\n\r\n", start + "Content-Length:\r\n\r\n",
        start + "Content-Length: 99999999999999999999\r\n\r\n", start + "Transfer-Encoding: chunked, identity\r\n\r\n",
        start + "Transfer-Encoding: xchunked\r\n\r\n", start + "Transfer-Encoding: \u{b}chunked\r\n\r\n",
        start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
        "POST http://a.example/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        start + "Connection: content-length\r\nContent-Length: 5\r\n\r\n", start + "Connection: close, Host\r\n\r\n",
        // Two ways to read where a line or a header ends.
        start + "X: a\r\n b\r\n\r\n", start + "X: a\r\n\tb\r\n\r\n", start + "Content-Length : 5\r\n\r\n",
        start + " X: a\r\n\r\n",
        start + "X: a\nY: b\r\n\r\n", start + "X: a\rY: b\r\n\r\n", start + "X: a\r\r\n\r\n",
        start + "no colon\r\n\r\n",
        start + ": no name\r\n\r\n", start + "X: a\u{0}b\r\n\r\n", start + "X\u{0}: a\r\n\r\n", start + "X(: a\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\n\n", "\r\nGET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        // Two ways to read the target.
        "GET http://a.example/ b HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET  http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET\thttp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET http://a.example/ HTTP/1.1 \r\nHost: a.example\r\n\r\n",
        "GET http://evil.example\u{0}.a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "CONNECT evil.example\u{0}.a.example:443 HTTP/1.0\r\n\r\n",
        "GET http://a.example\\@evil.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET http://a.example@evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "GET http://a.example#@evil.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET http://ex%61mple.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "GET http://bücher.example/ HTTP/1.0\r\n\r\n",
        // Two hosts.
        "GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example:81\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost:\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:80\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\n",
        // Not for a proxy.
        "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "GET https://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET http:///x HTTP/1.1\r\nHost: a.example\r\n\r\n", "GET http://a.example/\r\n\r\n",
    ]

    /// A loop: as arguments they would put their control characters into the tests' own output.
    @Test func `What can be read in two ways is refused`() {
        for text in Self.ambiguous { #expect(isRefused(text)?.status == 400) }
    }

    @Test func `Other versions are refused`() {
        for text in [
            "PRI * HTTP/2.0\r\n\r\n", "GET http://a.example/ HTTP/1.2\r\n\r\n",
            "GET http://a.example/ http/1.1\r\n\r\n",
        ] {
            #expect(isRefused(text)?.status == 505)
        }
    }

    @Test func `A head is bounded in bytes and headers`() {
        let long = "GET http://a.example/\(String(repeating: "x", count: 2000)) HTTP/1.1\r\nHost: a.example\r\n\r\n"
        #expect(throws: BadRequest.self) { _ = try parse(long, limit: 1000) }
        let many = Self.start + (0..<200).map { "X-\($0): 1\r\n" }.joined() + "\r\n"
        #expect(isRefused(many)?.status == 431)
    }

    @Test func `A broken head is refused before it is complete`() {
        var reader = HTTPHeadReader(limit: 1000)
        #expect(throws: BadRequest.self) { _ = try reader.append([0x16, 0x03, 0x01]) }
        var second = HTTPHeadReader(limit: 1000)
        #expect(throws: BadRequest.self) { _ = try second.append(Array("GET http://a.example/ HTTP/1.1\n".utf8)) }
    }

    @Test func `A body ends where it says`() throws {
        func body(_ header: String) throws -> RequestBody {
            try #require(try parse(Self.start + header + "\r\n\r\n")).body
        }
        var counted = try body("Content-Length: 5")
        #expect(try counted.take(Array("abcGET".utf8)[..<3]) == 3)
        #expect(try counted.take(Array("deGET ".utf8)[...]) == 2 && counted.isFinished)

        var chunked = try body("Transfer-Encoding: Chunked")
        let text = Array("3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\nGET http".utf8)
        var taken = 0
        for byte in text where !chunked.isFinished { taken += try chunked.take([byte]) }
        #expect(taken == text.count - 8 && chunked.isFinished)
    }

    @Test func `A chunk that two programs could read differently is refused`() throws {
        let bodies = [
            "3;x=y\r\nabc\r\n", "3 \r\n", "\r\n", "g\r\n", "0x3\r\n", "-1\r\n", "3\nabc", "3\r\nabcd", "3\r\nabc\n",
            "0\r\nX: y\r\n\r\n", "fffffffff\r\n", "3\r\nabc\r\r",
        ]
        for text in bodies {
            var body = try #require(try parse(Self.start + "Transfer-Encoding: chunked\r\n\r\n")).body
            #expect(throws: BadRequest.self) { _ = try body.take(Array(text.utf8)[...]) }
        }
    }

    // MARK: TLS

    /// A ClientHello that asks for `name`.
    static func hello(_ name: String?, recordSize: Int = 16384, extra: [UInt8] = []) -> [UInt8] {
        func vector(_ bytes: [UInt8], _ lengthBytes: Int) -> [UInt8] {
            (0..<lengthBytes).reversed().map { UInt8(truncatingIfNeeded: bytes.count >> ($0 * 8)) } + bytes
        }
        var extensions: [UInt8] = [0, 23] + vector([], 2)
        for type in extra { extensions += [0xfe, type] + vector([0], 2) }
        if let name { extensions += [0, 0] + vector(vector([0] + vector(Array(name.utf8), 2), 2), 2) }
        let body =
            [3, 3] + [UInt8](repeating: 7, count: 32) + vector([], 1) + vector([0x13, 0x01], 2) + vector([0], 1)
            + vector(extensions, 2)
        var message = ([1] + vector(body, 3))[...]
        var records: [UInt8] = []
        while !message.isEmpty {
            records += [0x16, 3, 1] + vector(Array(message.prefix(recordSize)), 2)
            message = message.dropFirst(recordSize)
        }
        return records
    }

    @Test func `The name that a TLS client asks for is read, however it is cut`() {
        for bytes in [Self.hello("a.example"), Self.hello("a.example", recordSize: 7)] {
            var whole = ServerNameReader()
            #expect(whole.append(bytes[...]) == .name("a.example"))
            var dribbled = ServerNameReader()
            for byte in bytes.dropLast() { #expect(dribbled.append([byte]) == .more) }
            #expect(dribbled.append(bytes.suffix(1)) == .name("a.example"))
        }
        var nameless = ServerNameReader()
        #expect(nameless.append(Self.hello(nil)[...]) == .none)
        var plain = ServerNameReader()
        #expect(plain.append(Array("SSH-2.0".utf8)[...]) == .plain)
        var odd = ServerNameReader()
        #expect(odd.append([0x16, 0x03, 0x01, 0, 4, 2, 0, 0, 0]) == .malformed)
    }

    @Test func `What a tunnel begins with must show which server it is for`() throws {
        var encrypted = ServerNameReader()
        #expect(encrypted.append(Self.hello("a.example", extra: [0x0d])[...]) == .hidden)
        for (port, isWeb) in [(443, true), (80, true), (22, false)] as [(UInt16, Bool)] {
            let target = EgressTarget(host: try EgressHost("a.example"), port: port)
            func refuses(_ outcome: ServerNameReader.Outcome) -> Bool { outcome.refusal(in: target) != nil }
            #expect(refuses(.plain) == isWeb && refuses(.none) == isWeb)
            #expect(
                refuses(.hidden) && refuses(.malformed) && refuses(.name("b.example")) && !refuses(.name("A.example.")))
        }
    }

    // MARK: Fuzz

    /// What the parser takes is exactly one request, and what it hands on reads the same when it is read again.
    @Test func `Mutated requests are refused or mean one thing`() throws {
        var random = SeededGenerator(seed: 20)
        let seeds = [
            "GET http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\n\r\n",
            "POST http://a.example:8080/ HTTP/1.1\r\nHost: a.example:8080\r\nContent-Length: 3\r\n\r\nabc",
            "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
            "PUT http://10.0.0.1/ HTTP/1.1\r\nHost: 10.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ].map { Array($0.utf8) }
        let pieces = [
            "\r\n", "\n", "\r", "\0", " ", "\t", ":", "/", "@", "Host: b.example\r\n", "Content-Length: 1\r\n", "%",
            "0",
        ]
        .map { Array($0.utf8) }
        var taken = 0
        for _ in 0..<30_000 {
            var bytes = seeds.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
                default: bytes.removeSubrange(place..<min(bytes.count, place + 3))
                }
            }
            var reader = HTTPHeadReader(limit: 4096)
            var whole: (HTTPHead, ArraySlice<UInt8>)?
            do { whole = try reader.append(bytes) } catch { continue }
            guard let (head, rest) = whole, let request = try? EgressRequest(head) else { continue }
            taken += 1
            let consumed = bytes.dropLast(rest.count)
            #expect(!consumed.contains(0))
            guard !request.isTunnel else { continue }
            // The server's side of the same request: one Host, the target's; one framing; nothing behind the head.
            let lines = String(decoding: request.head, as: UTF8.self).split(
                separator: "\r\n", omittingEmptySubsequences: false)
            #expect(lines.count > 3 && lines.suffix(2).allSatisfy(\.isEmpty))
            let names = lines.map { $0.lowercased().prefix { $0 != ":" } }
            let hosts = lines.indices.filter { names[$0] == "host" }
            #expect(hosts.count == 1)
            #expect(names.filter { $0 == "content-length" || $0 == "transfer-encoding" }.count < 2)
            let host = hosts.first.map { lines[$0].dropFirst(6) } ?? ""
            #expect(try EgressTarget(authority: host, defaultPort: 80) == request.target)
        }
        #expect(taken > 3000)
    }

    @Test func `No bytes break the readers`() {
        var random = SeededGenerator(seed: 21)
        for _ in 0..<5000 {
            let bytes = (0..<Int.random(in: 0...80, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            var head = HTTPHeadReader(limit: 64)
            _ = try? head.append(bytes)
            var hello = Self.hello("some.example")
            hello[Int.random(in: 0..<hello.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            var reader = ServerNameReader()
            if case .name(let name) = reader.append((hello + bytes)[...]) { #expect(!name.contains(" ")) }
            var raw = ServerNameReader()
            _ = raw.append(([0x16, 3, 1, 0, 60] + bytes)[...])
        }
    }
}
