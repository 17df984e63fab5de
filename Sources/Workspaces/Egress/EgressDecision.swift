/// What the rules say about a target. Of several lists, each has to allow it.
struct EgressRules: Sendable {
    private let lists: [[EgressRule]]

    init(_ lists: [[EgressRule]]) { self.lists = lists }
    init(rules: [EgressRule]) { lists = [rules] }

    /// The rule that names it, of the last list. An address has to be named itself.
    func rule(for target: EgressTarget) -> EgressRule? {
        var rule: EgressRule?
        for list in lists {
            rule = list.first { $0.allows(target) }
            if rule == nil { return nil }
        }
        return rule
    }

    /// Whose no it is.
    func refusing(_ target: EgressTarget) -> String {
        let first = lists.first ?? []
        return first.contains { $0.allows(target) } ? "what this command may reach" : "the workspace's network policy"
    }

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

    static func noRule(_ method: String, _ target: EgressTarget, _ refusing: String) -> EgressRefusal {
        EgressRefusal(
            status: 403, phrase: "No rule allows \(target)",
            text:
                "\(method) \(target) is refused by \(refusing): no rule of its allow-list names it. "
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
