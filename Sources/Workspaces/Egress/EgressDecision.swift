/// What the rules say about a target.
struct EgressRules: Sendable {
    let rules: [EgressRule]

    /// The rule that names it. An address has to be named itself.
    func rule(for target: EgressTarget) -> EgressRule? { rules.first { $0.allows(target) } }

    /// Of what a name resolved to, the addresses that may be connected to, in their order, and why the others may not.
    func permitted(
        _ addresses: [IPAddress], of target: EgressTarget, own: Set<IPAddress>
    ) -> (addresses: [IPAddress], refusals: [String]) {
        var permitted: [IPAddress] = []
        var refusals: [String] = []
        for address in addresses {
            let named = rule(for: EgressTarget(host: .address(address), port: target.port)) != nil
            let kind = address.restriction ?? (own.contains(address) ? "an address of this host" : nil)
            if let kind, !named {
                refusals.append("\(address), \(kind)")
            } else {
                permitted.append(address)
            }
        }
        return (permitted, refusals)
    }
}

/// What the client is told instead of an answer of the server.
struct EgressRefusal {
    var status: Int
    /// Part of the first line: all that most clients show of it.
    var phrase: String
    var text: String

    var bytes: [UInt8] {
        let body = text + "\n"
        return Array(
            """
            HTTP/1.1 \(status) \(phrase)\r
            Content-Type: text/plain; charset=utf-8\r
            Content-Length: \(body.utf8.count)\r
            Connection: close\r
            \r
            \(body)
            """.utf8)
    }

    static func noRule(_ method: String, _ target: EgressTarget) -> EgressRefusal {
        EgressRefusal(
            status: 403, phrase: "No rule allows \(target)",
            text:
                "\(method) \(target) is refused by the workspace's network policy: no rule of its allow-list names it. "
                + "The missing rule is \(target)")
    }

    static func badAddresses(_ method: String, _ target: EgressTarget, _ refusals: [String]) -> EgressRefusal {
        let address = refusals.first?.split(separator: ",").first.flatMap { IPAddress(String($0)) }
        let missing = address.map { "\($0.inAuthority):\(target.port)" } ?? "that of the address"
        return EgressRefusal(
            status: 403, phrase: "\(target) resolves to an address that no rule names",
            text: "\(method) \(target) is refused by the workspace's network policy: it resolves to "
                + "\(refusals.joined(separator: "; ")). The missing rule is \(missing)")
    }

    static func bad(_ request: BadRequest) -> EgressRefusal {
        let phrase =
            switch request.status {
            case 431: "Request Header Fields Too Large"
            case 505: "HTTP Version Not Supported"
            default: "Bad Request"
            }
        return EgressRefusal(
            status: request.status, phrase: phrase,
            text: "The workspace's proxy does not take this request: \(request.reason)")
    }
}
