/// International domain names as the DNS spells them: RFC 3492 (Punycode) for each label that is not ASCII.
enum InternationalName {
    /// Only what has one spelling in lower case is taken. The full mapping (UTS 46) needs tables, and a name that was
    /// mapped wrong would be a rule that silently never applies.
    static func ascii(_ name: String) throws(EgressSyntaxError) -> String {
        guard !name.utf8.allSatisfy({ $0 < 0x80 }) else { return name }
        var labels: [String] = []
        // The full stops of East Asian keyboards separate labels, too.
        for label in name.split(omittingEmptySubsequences: false, whereSeparator: { ".。．｡".contains($0) }) {
            labels.append(try ascii(label: label))
        }
        return labels.joined(separator: ".")
    }

    private static func ascii(label: Substring) throws(EgressSyntaxError) -> String {
        let lower = label.unicodeScalars.flatMap { Array($0.properties.lowercaseMapping.unicodeScalars) }
        if lower.allSatisfy(\.isASCII) { return String(String.UnicodeScalarView(lower)) }
        for scalar in lower where !scalar.isASCII {
            let kind = scalar.properties.generalCategory
            let isLetter = [.lowercaseLetter, .otherLetter, .modifierLetter, .decimalNumber].contains(kind)
            // Full- and half-width forms are other spellings of other letters.
            guard isLetter, !(0xff00...0xffef).contains(scalar.value) else {
                throw EgressSyntaxError("\"\(label)\" has letters of more than one spelling; write it as xn--…")
            }
        }
        return "xn--" + (try encode(lower))
    }

    /// Section 6.3 of the RFC, whose names are kept.
    private static func encode(_ input: [Unicode.Scalar]) throws(EgressSyntaxError) -> String {
        var output = input.filter(\.isASCII).map { UInt8($0.value) }
        let basic = output.count
        if basic > 0 { output.append(0x2d) }
        var n: UInt32 = 128, delta = 0, bias = 72, handled = basic
        while handled < input.count {
            guard let next = input.map(\.value).filter({ $0 >= n }).min() else { break }
            delta += Int(next - n) * (handled + 1)
            n = next
            for scalar in input.map(\.value) {
                if scalar < n { delta += 1 }
                guard scalar == n else { continue }
                appendNumber(delta, bias, to: &output)
                bias = adapt(delta, handled + 1, first: handled == basic)
                delta = 0
                handled += 1
            }
            delta += 1
            n += 1
        }
        guard output.count <= 59 else { throw EgressSyntaxError("a label is longer than 63 characters") }
        return String(decoding: output, as: UTF8.self)
    }

    private static func appendNumber(_ number: Int, _ bias: Int, to output: inout [UInt8]) {
        var q = number
        var k = 36
        while true {
            let t = k <= bias ? 1 : min(26, k - bias)
            if q < t { break }
            output.append(digit(t + (q - t) % (36 - t)))
            q = (q - t) / (36 - t)
            k += 36
        }
        output.append(digit(q))
    }

    private static func digit(_ value: Int) -> UInt8 { UInt8(value < 26 ? 0x61 + value : 0x30 + value - 26) }

    private static func adapt(_ delta: Int, _ points: Int, first: Bool) -> Int {
        var delta = first ? delta / 700 : delta / 2
        delta += delta / points
        var k = 0
        while delta > 35 * 26 / 2 {
            delta /= 35
            k += 36
        }
        return k + 36 * delta / (delta + 38)
    }
}
