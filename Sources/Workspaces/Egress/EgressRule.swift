/// One thing that a workspace with an allow-list may reach.
///
/// - `example.org:443`: that host on that port.
/// - `*.example.org:443`: every host below it, at any depth, but not `example.org` itself.
/// - `example.org`, `example.org:*`: ports 80 and 443.
/// - `192.0.2.7:8080`, `[2001:db8::7]:8080`: that very address. Also when it is a private or loopback one, which no
///   name leads to without such a rule.
///
/// Names are compared without regard to case, a dot at the end and the spelling of international ones (`bücher.example`
/// is `xn--bcher-kva.example`).
public struct EgressRule: Sendable, Hashable, CustomStringConvertible {
    enum Pattern: Sendable, Hashable {
        case host(EgressHost)
        case below(String)
    }

    let pattern: Pattern
    /// Nil: 80 and 443.
    let port: UInt16?

    /// - Throws: `invalidPolicy` with what is wrong and how a rule is written.
    public init(_ text: String) throws(WorkspaceError) {
        do throws(EgressSyntaxError) {
            (pattern, port) = try Self.parse(text)
        } catch {
            throw WorkspaceError(
                .invalidPolicy,
                "\"\(text)\" is not a rule of an allow-list: \(error.reason). A rule is host:port, *.domain:port or a host "
                    + "alone for ports 80 and 443")
        }
    }

    public static func list(_ texts: [String]) throws(WorkspaceError) -> [EgressRule] {
        var rules: [EgressRule] = []
        for text in texts { rules.append(try EgressRule(text)) }
        return rules
    }

    public var description: String {
        let host =
            switch pattern {
            case .host(let host): host.description
            case .below(let domain): "*." + domain
            }
        return port.map { "\(host):\($0)" } ?? host
    }

    func allows(_ target: EgressTarget) -> Bool {
        guard port.map({ $0 == target.port }) ?? (target.port == 80 || target.port == 443) else { return false }
        switch (pattern, target.host) {
        case (.host(let host), _): return host == target.host
        case (.below(let domain), .name(let name)): return name.hasSuffix("." + domain)
        case (.below, .address): return false
        }
    }

    private static func parse(_ text: String) throws(EgressSyntaxError) -> (Pattern, UInt16?) {
        guard !text.isEmpty else { throw EgressSyntaxError("it is empty") }
        guard !text.contains("/") else { throw EgressSyntaxError("it has a scheme or a path; a proxy sees only hosts") }
        guard !text.contains("@") else { throw EgressSyntaxError("it has a user name") }
        let (hostText, portText) = try EgressTarget.split(text)
        let port: UInt16? = if let portText, portText != "*" { try EgressTarget.port(portText) } else { nil }
        guard hostText.hasPrefix("*") else {
            return (.host(try EgressHost(InternationalName.ascii(String(hostText)))), port)
        }
        guard hostText.hasPrefix("*."), !hostText.dropFirst().contains("*") else {
            throw EgressSyntaxError("a * stands for the labels before a domain, as in *.example.org")
        }
        let domain = try EgressHost(InternationalName.ascii(String(hostText.dropFirst(2))))
        guard case .name(let name) = domain else {
            throw EgressSyntaxError("a * stands before a domain, not an address")
        }
        guard name.contains(".") else {
            throw EgressSyntaxError("*.\(name) would allow all of a top-level domain; name the domain below it")
        }
        return (.below(name), port)
    }
}

extension WorkspaceError.Code {
    /// A policy that says something which cannot be meant.
    public static let invalidPolicy = WorkspaceError.Code(description: "invalid_policy")
}
