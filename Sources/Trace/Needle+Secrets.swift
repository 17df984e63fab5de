import JSON

extension Needle {
    /// A known secret as it is, and in its JSON, URL, hexadecimal and base64 forms.
    static func spellings(of secret: Redactor.Secret) -> [Needle] {
        let value = Array(secret.value.utf8)
        var spellings: Set<[UInt8]> = [
            value, Array(JSONValue.string(secret.value).compactBytes.dropFirst().dropLast()),
        ]
        for upperCase in [true, false] {
            spellings.insert(percentEncoded(value, upperCase: upperCase))
            spellings.insert(value.flatMap { hex($0, upperCase: upperCase) })
        }
        spellings.formUnion(base64Forms(value))
        return spellings.map { Needle(label: secret.name, start: $0) }
    }

    private static func hex(_ byte: UInt8, upperCase: Bool) -> [UInt8] {
        let digits = Array((upperCase ? "0123456789ABCDEF" : "0123456789abcdef").utf8)
        return [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }

    /// RFC 3986: everything but letters, digits, `-`, `.`, `_`, `~`.
    private static func percentEncoded(_ bytes: [UInt8], upperCase: Bool) -> [UInt8] {
        bytes.flatMap { byte in
            byte.isWord || "-._~".utf8.contains(byte)
                ? [byte] : [UInt8(ascii: "%")] + hex(byte, upperCase: upperCase)
        }
    }

    /// A value inside a longer text that was encoded as a whole starts at any of three places of a base64 group. The
    /// characters that mix its bits with its neighbours' are left out: no more than its first and its last byte can
    /// be guessed from them.
    private static func base64Forms(_ bytes: [UInt8]) -> [[UInt8]] {
        var forms = [base64(bytes), urlSafe(base64(bytes))]
        for offset in 0..<3 {
            let encoded = base64(Array(repeating: 0, count: offset) + bytes)
            let foreignCharacters = [0, 2, 3][offset]
            let wholeCharacters = (offset + bytes.count) * 8 / 6
            let own = Array(encoded[foreignCharacters..<wholeCharacters])
            forms += [own, urlSafe(own)]
        }
        return forms
    }

    private static func urlSafe(_ base64: [UInt8]) -> [UInt8] {
        base64.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0 }
    }

    private static func base64(_ bytes: [UInt8]) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for index in 0..<4 {
                out.append(index <= group.count ? alphabet[bits >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
            }
        }
        return out
    }
}
