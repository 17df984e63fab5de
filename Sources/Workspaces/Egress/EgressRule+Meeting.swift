extension EgressRule {
    /// What this rule and `other` both allow; nil when that is nothing.
    public func meeting(_ other: EgressRule) -> EgressRule? {
        guard let pattern = Self.meeting(pattern, other.pattern) else { return nil }
        switch (port, other.port) {
        case (let mine, let theirs) where mine == theirs: return EgressRule(pattern: pattern, port: mine)
        case (nil, let port?), (let port?, nil):  // nil: 80 and 443
            return port == 80 || port == 443 ? EgressRule(pattern: pattern, port: port) : nil
        default: return nil
        }
    }

    private init(pattern: Pattern, port: UInt16?) {
        self.pattern = pattern
        self.port = port
    }

    private static func meeting(_ a: Pattern, _ b: Pattern) -> Pattern? {
        switch (a, b) {
        case (.host(let host), .host(let other)): host == other ? a : nil
        case (.host(.name(let name)), .below(let domain)): name.hasSuffix("." + domain) ? a : nil
        case (.below(let domain), .host(.name(let name))): name.hasSuffix("." + domain) ? b : nil
        case (.below(let domain), .below(let other)):
            if domain == other || domain.hasSuffix("." + other) {
                a
            } else if other.hasSuffix("." + domain) {
                b
            } else {
                nil
            }
        default: nil
        }
    }
}
