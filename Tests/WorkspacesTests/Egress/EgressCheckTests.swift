import Testing

@testable import Workspaces

/// What a policy says about connections that the host makes for a tool.
@Suite struct EgressCheckTests {
    private func check(
        _ rules: [String]?, narrowedBy narrowing: [String]? = nil, addresses: [String: [String]] = [:]
    ) throws -> EgressCheck {
        let network: Policy.Network = if let rules { .allowList(try EgressRule.list(rules)) } else { .host }
        return EgressCheck(network, narrowedBy: try narrowing.map(EgressRule.list)) { name in
            Resolution(addresses: (addresses[name] ?? []).compactMap { IPAddress($0) }, failure: "no such name")
        }
    }

    @Test func `A name that a rule allows gets the public address that it resolves to`() async throws {
        let check = try check(["example.org:443"], addresses: ["example.org": ["93.184.215.14"]])
        let attempt = await check.attempt("GET", host: "Example.ORG.", port: 443)
        #expect(attempt.verdict == .pending)
        #expect(attempt.address == "93.184.215.14")
        #expect(attempt.host == "example.org")
        #expect(attempt.reason == "example.org:443")
    }

    @Test(arguments: ["127.0.0.1", "10.0.0.7", "169.254.169.254", "192.168.1.1", "::1", "fd00::1", "::ffff:127.0.0.1"])
    func `No name leads to an address of the inside`(_ address: String) async throws {
        let check = try check(["example.org:443"], addresses: ["example.org": [address]])
        let attempt = await check.attempt("GET", host: "example.org", port: 443)
        #expect(attempt.verdict == .refused)
        #expect(attempt.address == nil)
        #expect(attempt.reason.contains("which only a rule for that very address allows"))
    }

    @Test func `A rule for an inner address allows that one, and the public one beside it is taken`() async throws {
        let named = try check(["10.0.0.7:80"])
        let attempt = await named.attempt("GET", host: "10.0.0.7", port: 80)
        #expect(attempt.address == "10.0.0.7")
        let mixed = try check(["example.org:80"], addresses: ["example.org": ["10.0.0.7", "93.184.215.14"]])
        let other = await mixed.attempt("GET", host: "example.org", port: 80)
        #expect(other.address == "93.184.215.14")
    }

    @Test func `The tool's own rules narrow the policy's`() async throws {
        let addresses = ["a.example.org": ["93.184.215.14"], "b.example.org": ["93.184.215.14"]]
        let check = try check(["*.example.org:443"], narrowedBy: ["a.example.org:443"], addresses: addresses)
        let allowed = await check.attempt("GET", host: "a.example.org", port: 443)
        let refused = await check.attempt("GET", host: "b.example.org", port: 443)
        #expect(allowed.verdict == .pending)
        #expect(refused.verdict == .refused && refused.reason.contains("the tool's own permissions"))
        let none = try self.check(nil, narrowedBy: [], addresses: addresses)
        let nothing = await none.attempt("GET", host: "a.example.org", port: 443)
        #expect(nothing.verdict == .refused)
    }

    @Test func `The host's network reaches the public internet and nothing inside`() async throws {
        let check = try check(nil, addresses: ["example.org": ["93.184.215.14"], "intern": ["10.1.1.1"]])
        let outside = await check.attempt("GET", host: "example.org", port: 8080)
        let inside = await check.attempt("GET", host: "intern", port: 80)
        #expect(outside.address == "93.184.215.14")
        #expect(inside.verdict == .refused)
    }

    @Test func `A name without an address fails, a port that is none is refused`() async throws {
        let check = try check(["nowhere.example:80"])
        let failed = await check.attempt("GET", host: "nowhere.example", port: 80)
        #expect(failed.verdict == .failed && failed.reason.contains("no such name"))
        let refused = await check.attempt("GET", host: "nowhere.example", port: 0)
        #expect(refused.verdict == .refused)
    }
}
