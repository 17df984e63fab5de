/// Why a text is no JSON, and where.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    public var reason: String
    /// Offset in bytes from the start of the text.
    public var offset: Int
    /// 1-based.
    public var line: Int
    /// 1-based, in bytes.
    public var column: Int

    public var description: String { "\(reason) at line \(line), column \(column)" }
}

extension JSONValue {
    /// Parses one JSON text (RFC 8259). Nesting is limited to 128 levels; a repeated key is an error, since readers disagree on
    /// which of the two counts. An unpaired surrogate escape becomes U+FFFD. Numbers outside `Int` become doubles.
    public init(parsing text: some StringProtocol) throws(JSONError) {
        try self.init(parsing: Array(text.utf8))
    }

    /// Bytes that are not valid UTF-8 inside strings are replaced by U+FFFD.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        var parser = JSONParser(bytes: bytes)
        self = try parser.parseDocument()
    }
}

struct JSONParser {
    let bytes: [UInt8]
    var position = 0
    var depth = 0
    static let maximumDepth = 128
    static let digits = UInt8(ascii: "0")...UInt8(ascii: "9")

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func parseDocument() throws(JSONError) -> JSONValue {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        skipWhitespace()
        let value = try parseValue()
        skipWhitespace()
        guard position == bytes.count else { throw failure("unexpected text after the value") }
        return value
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipWhitespace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private func failure(_ reason: String, at offset: Int? = nil) -> JSONError {
        let offset = offset ?? position
        let before = bytes[..<min(offset, bytes.count)]
        let line = before.count { $0 == 0x0A } + 1
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return JSONError(reason: reason, offset: offset, line: line, column: before.count - lineStart + 1)
    }

    private mutating func parseValue() throws(JSONError) -> JSONValue {
        switch current {
        case UInt8(ascii: "{"): return try nested { p throws(JSONError) in try p.parseObject() }
        case UInt8(ascii: "["): return try nested { p throws(JSONError) in try p.parseArray() }
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case let byte? where byte == UInt8(ascii: "-") || Self.digits.contains(byte): return try parseNumber()
        case nil: throw failure("the text ends where a value should be")
        default: throw failure("unexpected character where a value should be")
        }
    }

    private mutating func nested(
        _ parse: (inout JSONParser) throws(JSONError) -> JSONValue
    ) throws(JSONError) -> JSONValue {
        depth += 1
        guard depth <= Self.maximumDepth else { throw failure("nested deeper than \(Self.maximumDepth) levels") }
        defer { depth -= 1 }
        return try parse(&self)
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let count = text.utf8CodeUnitCount
        let matches = text.withUTF8Buffer { bytes[position...].prefix(count).elementsEqual($0) }
        guard matches else { throw failure("unexpected character where a value should be") }
        position += count
        return value
    }

    private mutating func parseObject() throws(JSONError) -> JSONValue {
        position += 1
        var object = JSONObject()
        skipWhitespace()
        if current == UInt8(ascii: "}") {
            position += 1
            return .object(object)
        }
        while true {
            guard current == UInt8(ascii: "\"") else { throw failure("expected a key in double quotes") }
            let keyOffset = position
            let key = try parseString()
            guard object[key] == nil else { throw failure("the key \"\(key)\" stands twice", at: keyOffset) }
            skipWhitespace()
            guard current == UInt8(ascii: ":") else { throw failure("expected ':' after a key") }
            position += 1
            skipWhitespace()
            object[key] = try parseValue()
            skipWhitespace()
            if try endsAfterElement(UInt8(ascii: "}")) { return .object(object) }
        }
    }

    private mutating func parseArray() throws(JSONError) -> JSONValue {
        position += 1
        var elements: [JSONValue] = []
        skipWhitespace()
        if current == UInt8(ascii: "]") {
            position += 1
            return .array(elements)
        }
        while true {
            elements.append(try parseValue())
            skipWhitespace()
            if try endsAfterElement(UInt8(ascii: "]")) { return .array(elements) }
        }
    }

    private mutating func endsAfterElement(_ close: UInt8) throws(JSONError) -> Bool {
        switch current {
        case close:
            position += 1
            return true
        case UInt8(ascii: ","):
            position += 1
            skipWhitespace()
            return false
        default:
            throw failure("expected ',' or '\(Character(UnicodeScalar(close)))'")
        }
    }

    private mutating func parseNumber() throws(JSONError) -> JSONValue {
        let start = position
        if current == UInt8(ascii: "-") { position += 1 }
        let integerStart = position
        try skipDigits()
        if bytes[integerStart] == UInt8(ascii: "0"), position - integerStart > 1 {
            throw failure("a number must not start with 0", at: start)
        }
        var integral = true
        if current == UInt8(ascii: ".") {
            integral = false
            position += 1
            try skipDigits()
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            integral = false
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            try skipDigits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if integral, let value = Int(text) { return .int(value) }
        guard let value = Double(text), value.isFinite else { throw failure("the number is out of range", at: start) }
        return .double(value)
    }

    private mutating func skipDigits() throws(JSONError) {
        let start = position
        while let byte = current, Self.digits.contains(byte) { position += 1 }
        guard position > start else { throw failure("expected a digit") }
    }

    private mutating func parseString() throws(JSONError) -> String {
        position += 1
        let start = position
        while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
        if current == UInt8(ascii: "\"") {
            defer { position += 1 }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }
        var text = Array(bytes[start..<position])
        while true {
            switch current {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                text.append(contentsOf: try parseEscape())
            case nil:
                throw failure("the text ends inside a string", at: start - 1)
            case let byte? where byte < 0x20:
                throw failure("a control character must be escaped inside a string")
            case let byte?:
                text.append(byte)
                position += 1
            }
        }
    }

    private mutating func parseEscape() throws(JSONError) -> [UInt8] {
        let start = position
        position += 1
        guard let byte = current else { throw failure("the text ends inside a string", at: start) }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return Array(String(try parseUnicodeEscape()).utf8)
        default: throw failure("unknown escape", at: start)
        }
    }

    /// After `\u`: one code unit, or the two of a surrogate pair.
    private mutating func parseUnicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let first = try parseHex()
        guard (0xD800...0xDFFF).contains(first) else { return Unicode.Scalar(first) ?? "\u{FFFD}" }
        guard first < 0xDC00, bytes[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else {
            return "\u{FFFD}"
        }
        let back = position
        position += 2
        let second = try parseHex()
        guard (0xDC00...0xDFFF).contains(second) else {
            position = back
            return "\u{FFFD}"
        }
        return Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)) ?? "\u{FFFD}"
    }

    private mutating func parseHex() throws(JSONError) -> UInt32 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
            let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw failure("expected four hexadecimal digits") }
        position += 4
        return value
    }
}
