import JSON

extension JSONValue {
    /// The value that a JSON pointer (RFC 6901) names; nil when there is none.
    func value(at pointer: String) -> JSONValue? {
        guard !pointer.isEmpty else { return self }
        guard pointer.hasPrefix("/") else { return nil }
        var value = self
        for token in pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let next = value.member(unescape(token)) else { return nil }
            value = next
        }
        return value
    }

    private func member(_ token: String) -> JSONValue? {
        guard let elements = array else { return self[token] }
        guard let index = Int(token), String(index) == token, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// `~1` is a slash, `~0` a tilde, in one pass: `~01` is the text `~1`.
    private func unescape(_ token: Substring) -> String {
        var parts = token.split(separator: "~", omittingEmptySubsequences: false)[...]
        var text = String(parts.removeFirst())
        for part in parts {
            switch part.first {
            case "0": text += "~" + part.dropFirst()
            case "1": text += "/" + part.dropFirst()
            default: text += "~" + part
            }
        }
        return text
    }

    /// Equality in which 1 and 1.0 are the same number, at any depth.
    func equalsByValue(_ other: JSONValue) -> Bool {
        switch (self, other) {
        case (.int, .double), (.double, .int): double == other.double
        case (.array(let a), .array(let b)):
            a.count == b.count && zip(a, b).allSatisfy { $0.equalsByValue($1) }
        case (.object(let a), .object(let b)):
            a.count == b.count && a.members.allSatisfy { b[$0.key]?.equalsByValue($0.value) == true }
        default: self == other
        }
    }
}
