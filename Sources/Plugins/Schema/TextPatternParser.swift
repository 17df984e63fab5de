/// Compiles a regular expression to the program of a `TextPattern`.
struct TextPatternParser {
    typealias SyntaxError = TextPattern.SyntaxError
    typealias Instruction = TextPattern.Instruction
    typealias Class = TextPattern.Class

    private let source: [Unicode.Scalar]
    private var position = 0
    private var depth = 0

    init(_ text: String) { source = Array(text.unicodeScalars) }

    mutating func parse() throws(SyntaxError) -> [Instruction] {
        let program = try alternation()
        guard position == source.count else { throw SyntaxError(reason: "a ')' has no '('") }
        return program + [.accept]
    }

    private var current: Unicode.Scalar? { position < source.count ? source[position] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard current == scalar else { return false }
        position += 1
        return true
    }

    // Fragments are relative to their own start until they are joined.

    private func moved(_ fragment: [Instruction], by offset: Int) -> [Instruction] {
        fragment.map { instruction in
            switch instruction {
            case .split(let a, let b): .split(a + offset, b + offset)
            case .jump(let a): .jump(a + offset)
            default: instruction
            }
        }
    }

    private func joined(_ a: [Instruction], _ b: [Instruction]) throws(SyntaxError) -> [Instruction] {
        guard a.count + b.count <= TextPattern.maximumInstructions else { throw SyntaxError(reason: "it is too large") }
        return a + moved(b, by: a.count)
    }

    private mutating func alternation() throws(SyntaxError) -> [Instruction] {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 50 else { throw SyntaxError(reason: "it is nested too deeply") }
        var result = try sequence()
        while take("|") {
            let other = try sequence()
            let first = try joined([.split(1, result.count + 2)], moved(result, by: 0))
            let jump = [Instruction.jump(other.count + 1)]
            result = try joined(joined(first, jump), other)
        }
        return result
    }

    private mutating func sequence() throws(SyntaxError) -> [Instruction] {
        var result: [Instruction] = []
        while let scalar = current, scalar != "|", scalar != ")" { result = try joined(result, repeated()) }
        return result
    }

    private mutating func repeated() throws(SyntaxError) -> [Instruction] {
        let atom = try self.atom()
        let result: [Instruction]
        if take("*") {
            result = try star(atom)
        } else if take("+") {
            result = try joined(atom, star(atom))
        } else if take("?") {
            result = try optional(atom)
        } else if let (least, most) = try bounds() {
            result = try counted(atom, least, most)
        } else {
            return atom
        }
        _ = take("?")  // lazy or not is the same for a yes or no
        if let scalar = current, "*+?".unicodeScalars.contains(scalar) {
            throw SyntaxError(reason: "nothing to repeat")
        }
        return result
    }

    private func star(_ atom: [Instruction]) throws(SyntaxError) -> [Instruction] {
        try joined(joined([.split(1, atom.count + 2)], []), moved(atom, by: 0)) + [.jump(0)]
    }

    private func optional(_ atom: [Instruction]) throws(SyntaxError) -> [Instruction] {
        try joined([.split(1, atom.count + 1)], atom)
    }

    private func counted(_ atom: [Instruction], _ least: Int, _ most: Int?) throws(SyntaxError) -> [Instruction] {
        var result: [Instruction] = []
        for _ in 0..<least { result = try joined(result, atom) }
        guard let most else { return try joined(result, star(atom)) }
        for _ in least..<max(least, most) { result = try joined(result, optional(atom)) }
        return result
    }

    /// `{m}`, `{m,}`, `{m,n}`; anything else after a brace is a literal brace.
    private mutating func bounds() throws(SyntaxError) -> (Int, Int?)? {
        guard current == "{" else { return nil }
        let start = position
        position += 1
        let least = number()
        var most = least
        if take(",") { most = number() ?? (current == "}" ? nil : -1) }
        guard let least, take("}") else {
            position = start
            return nil
        }
        let upper = most
        guard least <= 1000, (upper ?? least) <= 1000 else { throw SyntaxError(reason: "a repetition above 1000") }
        if let upper, upper < least { throw SyntaxError(reason: "a repetition {m,n} with m above n") }
        return (least, upper)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let scalar = current, ("0"..."9").contains(scalar), (value ?? 0) < 100_000 {
            value = (value ?? 0) * 10 + Int(scalar.value - 48)
            position += 1
        }
        return value
    }

    private mutating func atom() throws(SyntaxError) -> [Instruction] {
        guard let scalar = current else { throw SyntaxError(reason: "it ends too early") }
        position += 1
        switch scalar {
        case "^": return [.start]
        case "$": return [.end]
        case ".": return [.character(Class(ranges: [10...10, 13...13], negated: true))]
        case "(":
            if take("?"), !take(":") { throw SyntaxError(reason: "'(?' other than '(?:' is not in the subset") }
            let inner = try alternation()
            guard take(")") else { throw SyntaxError(reason: "a '(' has no ')'") }
            return inner
        case "[": return [.character(try set())]
        case "\\": return [try escapedAtom()]
        case "*", "+", "?": throw SyntaxError(reason: "nothing to repeat before '\(scalar)'")
        default: return [.character(Self.single(scalar.value))]
        }
    }

    private static func single(_ value: UInt32) -> Class { Class(ranges: [value...value]) }

    private mutating func escapedAtom() throws(SyntaxError) -> Instruction {
        if let scalar = current, ("1"..."9").contains(scalar) || scalar == "b" || scalar == "B" || scalar == "k" {
            throw SyntaxError(reason: "'\\\(scalar)' is not in the subset")
        }
        return .character(try escape())
    }

    private mutating func escape() throws(SyntaxError) -> Class {
        guard let scalar = current else { throw SyntaxError(reason: "it ends in a '\\'") }
        position += 1
        switch scalar {
        case "d", "D": return Class(ranges: [48...57], negated: scalar == "D")
        case "w", "W": return Class(ranges: [48...57, 65...90, 95...95, 97...122], negated: scalar == "W")
        case "s", "S":
            return Class(
                ranges: [9...13, 32...32, 0xA0...0xA0, 0x2028...0x2029, 0xFEFF...0xFEFF], negated: scalar == "S")
        case "n": return Self.single(10)
        case "r": return Self.single(13)
        case "t": return Self.single(9)
        case "f": return Self.single(12)
        case "v": return Self.single(11)
        case "0": return Self.single(0)
        case "x": return Self.single(try hexadecimal(2))
        case "u": return Self.single(try hexadecimal(4))
        default:
            guard !scalar.properties.isAlphabetic else { throw SyntaxError(reason: "unknown escape '\\\(scalar)'") }
            return Self.single(scalar.value)
        }
    }

    private mutating func hexadecimal(_ digits: Int) throws(SyntaxError) -> UInt32 {
        let end = min(position + digits, source.count)
        let text = String(String.UnicodeScalarView(source[position..<end]))
        guard text.utf8.count == digits, let value = UInt32(text, radix: 16) else {
            throw SyntaxError(reason: "expected \(digits) hexadecimal digits")
        }
        position = end
        return value
    }

    private mutating func set() throws(SyntaxError) -> Class {
        var result = Class(ranges: [])
        result.negated = take("^")
        while !take("]") {
            guard current != nil else { throw SyntaxError(reason: "a '[' has no ']'") }
            let low = try member()
            guard low.ranges.count == 1, low.ranges[0].count == 1, !low.negated, current == "-",
                position + 1 < source.count,
                source[position + 1] != "]"
            else {
                result.ranges += Self.positive(low)
                continue
            }
            position += 1
            let high = try member()
            guard high.ranges.count == 1, high.ranges[0].count == 1, !high.negated,
                low.ranges[0].lowerBound <= high.ranges[0].lowerBound
            else { throw SyntaxError(reason: "a range in '[…]' is upside down") }
            result.ranges.append(low.ranges[0].lowerBound...high.ranges[0].lowerBound)
        }
        return result
    }

    private mutating func member() throws(SyntaxError) -> Class {
        guard let scalar = current else { throw SyntaxError(reason: "a '[' has no ']'") }
        position += 1
        if scalar == "\\" { return take("b") ? Self.single(8) : try escape() }
        return Self.single(scalar.value)
    }

    /// The same class without a negation, for a union.
    private static func positive(_ set: Class) -> [ClosedRange<UInt32>] {
        guard set.negated else { return set.ranges }
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in set.ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
            next = range.upperBound + 1
        }
        result.append(next...0x10FFFF)
        return result
    }
}
