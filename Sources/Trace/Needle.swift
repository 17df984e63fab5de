import Glibc

/// One thing that the redactor looks for: fixed bytes, and for tokens a rest that is known by its looks.
struct Needle: Sendable {
    var label: String
    /// At least three bytes.
    var start: [UInt8]
    var rest: Rest = .nothing

    enum Rest: Sendable {
        /// The fixed bytes are all, wherever they stand.
        case nothing
        /// Letters, digits and `extra`, at least `minimum` of them, one a digit, after something that is no word:
        /// `task-…` is no `sk-…`, and words joined by hyphens have no digits.
        case token(minimum: Int, extra: [UInt8])
        /// Three parts of a token, joined by dots.
        case webToken
        /// To the end line of a PEM block; to the end of the text where that was cut off.
        case privateKey
    }

    /// The length of the needle at `position`; nil when it is not there.
    func match(at position: Int, in text: UnsafeRawBufferPointer) -> Int? {
        guard text.has(start, at: position) else { return nil }
        switch rest {
        case .nothing:
            return start.count
        case .token(let minimum, let extra):
            guard let token = token(after: position, in: text, extra: extra), token.count >= minimum else { return nil }
            return start.count + token.count
        case .webToken:
            guard let token = token(after: position, in: text, extra: Array("-_.".utf8)), token.count >= 30,
                token.count(where: { $0 == UInt8(ascii: ".") }) == 2
            else { return nil }
            return start.count + token.count
        case .privateKey:
            return privateKeyLength(at: position, in: text)
        }
    }

    private func token(
        after position: Int, in text: UnsafeRawBufferPointer, extra: [UInt8]
    ) -> Slice<UnsafeRawBufferPointer>? {
        guard position == 0 || !text[position - 1].isWord else { return nil }
        let token = text[(position + start.count)...].prefix { $0.isWord || extra.contains($0) }
        return token.contains(where: \.isDigit) ? token : nil
    }

    private func privateKeyLength(at position: Int, in text: UnsafeRawBufferPointer) -> Int? {
        let kind = text[(position + start.count)...].prefix { $0 != UInt8(ascii: "-") }
        guard kind.count < 40, kind.suffix(11).elementsEqual("PRIVATE KEY".utf8) else { return nil }
        let closing = Array("-----END ".utf8) + kind + Array("-----".utf8)
        var end = kind.endIndex
        while end < text.count, !text.has(closing, at: end) { end += 1 }
        return min(end + closing.count, text.count) - position
    }
}

/// Finds needles in one pass.
struct NeedleIndex: Sendable {
    /// Whether some needle may start with three bytes of this hash: almost always not, so that a byte costs one look.
    private var startsNeedle = [Bool](repeating: false, count: 1 << 16)
    private var byFirstByte = [[Needle]](repeating: [], count: 256)

    init(_ needles: [Needle]) {
        for needle in needles {
            startsNeedle[needle.start.withUnsafeBytes { Self.hash(of: $0, at: 0) }] = true
            byFirstByte[Int(needle.start[0])].append(needle)
        }
    }

    /// Calls `body` for every match from left to right, the longest where several start. Matches do not overlap.
    func forEachMatch(in text: UnsafeRawBufferPointer, _ body: (Range<Int>, String) -> Void) {
        startsNeedle.withUnsafeBufferPointer { startsNeedle in
            var position = 0
            while position + 2 < text.count {
                guard startsNeedle[Self.hash(of: text, at: position)],
                    let (length, label) = longestMatch(at: position, in: text)
                else {
                    position += 1
                    continue
                }
                body(position..<position + length, label)
                position += length
            }
        }
    }

    private func longestMatch(at position: Int, in text: UnsafeRawBufferPointer) -> (Int, String)? {
        var longest: (length: Int, label: String)?
        for needle in byFirstByte[Int(text[position])] {
            guard let length = needle.match(at: position, in: text), length > longest?.length ?? 0 else { continue }
            longest = (length, needle.label)
        }
        return longest
    }

    private static func hash(of text: UnsafeRawBufferPointer, at position: Int) -> Int {
        let (a, b, c) = (Int(text[position]), Int(text[position + 1]), Int(text[position + 2]))
        return (a << 8 ^ b ^ c &* 0x2F35) & 0xFFFF
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func has(_ bytes: [UInt8], at position: Int) -> Bool {
        guard let baseAddress, count - position >= bytes.count else { return false }
        return memcmp(baseAddress + position, bytes, bytes.count) == 0
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    /// An ASCII letter or digit.
    var isWord: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
    }
}
