/// A value that crosses between Swift and Lua: data only, strings are bytes.
public indirect enum LuaValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case bytes([UInt8])
    /// Stays an array on the way through Lua, also when it is empty.
    case array([LuaValue])
    /// From Lua the members come sorted by key bytes.
    case object([Member])

    public struct Member: Sendable, Hashable {
        public var key: [UInt8]
        public var value: LuaValue

        public init(key: [UInt8], value: LuaValue) {
            self.key = key
            self.value = value
        }

        public init(_ key: String, _ value: LuaValue) {
            self.init(key: Array(key.utf8), value: value)
        }
    }

    public static func string(_ text: String) -> LuaValue { .bytes(Array(text.utf8)) }
}

extension LuaValue {
    public var isNull: Bool { self == .null }

    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The value as an integer; a double counts when it is integral.
    public var int: Int? {
        switch self {
        case .int(let value): value
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    public var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    public var bytes: [UInt8]? {
        if case .bytes(let value) = self { value } else { nil }
    }

    /// The bytes as text; what is not UTF-8 becomes U+FFFD.
    public var string: String? {
        bytes.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The elements of an array. An empty Lua table that nothing marked arrives as an object and counts as an empty
    /// array too.
    public var array: [LuaValue]? {
        switch self {
        case .array(let elements): elements
        case .object(let members) where members.isEmpty: []
        default: nil
        }
    }

    public var object: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }

    public subscript(key: String) -> LuaValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key.elementsEqual(key.utf8) }?.value
    }

    /// What Lua's type() would say.
    public var typeName: String {
        switch self {
        case .null: "nil"
        case .bool: "boolean"
        case .int, .double: "number"
        case .bytes: "string"
        case .array, .object: "table"
        }
    }
}

// No nil literal: `condition ? nil : value` would then mean `.null` where an optional is meant.
extension LuaValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: LuaValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, LuaValue)...) {
        self = .object(elements.map { Member($0, $1) })
    }
}
