import Testing

@testable import Workspaces

@Suite struct EgressRuleTests {
    private func allows(_ rule: String, _ target: String) throws -> Bool {
        try EgressRule(rule).allows(EgressTarget(authority: target, defaultPort: nil))
    }

    @Test(arguments: [
        ("example.org:443", "example.org:443", true), ("example.org:443", "example.org:80", false),
        ("example.org:443", "www.example.org:443", false), ("example.org", "example.org:443", true),
        ("example.org", "example.org:80", true), ("example.org", "example.org:8080", false),
        ("example.org:*", "example.org:80", true), ("example.org:*", "example.org:22", false),
        ("*.example.org:443", "a.example.org:443", true), ("*.example.org:443", "a.b.example.org:443", true),
        ("*.example.org:443", "example.org:443", false), ("*.example.org:443", "badexample.org:443", false),
        ("*.example.org:443", "example.org.evil.net:443", false), ("EXAMPLE.org.:443", "example.ORG:443", true),
        ("example.org:443", "example.org.:443", true), ("bücher.example:443", "xn--bcher-kva.example:443", true),
        ("BÜCHER.example:443", "xn--bcher-kva.example:443", true), ("例え.テスト", "xn--r8jz45g.xn--zckzah:80", true),
        ("*.münchen.example", "a.xn--mnchen-3ya.example:80", true), ("127.0.0.1:8080", "127.0.0.1:8080", true),
        ("127.0.0.1:8080", "127.0.0.2:8080", false), ("127.0.0.1:8080", "[::1]:8080", false),
        ("127.0.0.1:8080", "[::ffff:127.0.0.1]:8080", false), ("[::1]:8080", "[0:0:0:0:0:0:0:1]:8080", true),
        ("*.0.0.1.example", "127.0.0.1:80", false),
    ])
    func `A rule names hosts and ports`(_ rule: String, _ target: String, _ expected: Bool) throws {
        #expect(try allows(rule, target) == expected)
    }

    @Test(arguments: [
        "", "*", "*:443", "*.org", "*.org:443", "https://example.org", "example.org/path", "user@example.org",
        "example.org:0",
        "example.org:65536", "example.org:+80", "example.org:80:90", "a b", "exa mple.org", "-a.org", "a-.org",
        "a..org", ".", "a.*.org",
        "**.example.org", "*example.org", "127.1:80", "0x7f.0.0.1:80", "2130706433", "0177.0.0.1", "127.0.0.1.", "::1",
        "[::1",
        "[fe80::1%eth0]:80", "*.127.0.0.1", "e\u{301}.example", "ｅxample.org", "example.org\u{0}.evil.org",
        String(repeating: "a", count: 64) + ".org",
    ])
    func `What cannot be meant is an error that names the rule`(_ text: String) {
        let error = #expect(throws: WorkspaceError.self) { _ = try EgressRule(text) }
        #expect(error?.code == .invalidPolicy)
        #expect(error?.message.contains("\"\(text)\"") == true)
    }

    @Test func `A rule prints as it is written`() throws {
        for text in ["example.org:443", "*.example.org", "127.0.0.1:80", "[2001:db8::1]:443"] {
            #expect(try EgressRule(text).description == text)
        }
    }

    /// Spellings that some resolver, library or browser takes for 127.0.0.1 or another private address.
    @Test(arguments: [
        "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0X7F.1", "017700000001", "0177.0.0.1",
        "127.0.0.01",
        "127.0.0.1.", "00127.0.0.1", "0", "0x", "1.2.3.4.5", "[127.0.0.1]", "[::ffff:7f00:1%1]", "[::1", "::1",
        "127.0.0.1%00",
        "①②⑦.⓪.⓪.①", "%31%32%37.0.0.1", "localhost%2eexample.org", "exa\u{ad}mple.org",
    ])
    func `An address in disguise is no host`(_ text: String) {
        #expect(throws: EgressSyntaxError.self) { _ = try EgressHost(text) }
    }

    @Test(arguments: [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255", "192.0.0.192", "192.168.1.1", "198.18.0.1", "198.19.255.255", "203.0.113.5", "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16", "::", "::1", "::127.0.0.1", "fc00::1",
        "fd00:ec2::254", "fe80::1", "febf::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::", "2001::1",
        "2001:db8::1",
        "100::1", "4000::1", "3fff::1",
    ])
    func `No name leads to what is not public`(_ text: String) throws {
        #expect(try #require(IPAddress(text)).restriction != nil)
    }

    @Test(arguments: [
        "1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1", "198.17.0.1",
        "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
        "2002:808:808::1",
    ])
    func `Public addresses are`(_ text: String) throws {
        #expect(try #require(IPAddress(text)).restriction == nil)
    }

    /// Whatever a request names: if a rule lets it pass, then the rule says so letter by letter.
    @Test func `No spelling makes a rule allow another host`() throws {
        var random = SeededGenerator(seed: 3128)
        let rules = try EgressRule.list(["example.org:443", "*.allowed.net:443", "10.0.0.1:443"])
        let pieces = [
            "example", ".", "org", "allowed", "net", "10.0.0.1", "evil", "-", "..", "@", "%00", "*", "[", "]", ":443",
            "0x", "EXAMPLE", " ",
        ]
        var passed = 0
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 1...6, using: &random)).map { _ in pieces.randomElement(using: &random) ?? ""
            }.joined()
            guard let target = try? EgressTarget(authority: text + ":443", defaultPort: nil) else { continue }
            guard rules.contains(where: { $0.allows(target) }) else { continue }
            passed += 1
            let name = text.lowercased()
            let plain = name.hasSuffix(".") ? String(name.dropLast()) : name
            #expect(plain == "example.org" || plain.hasSuffix(".allowed.net") || plain == "10.0.0.1", "\(text)")
        }
        #expect(passed > 50)
    }
}
