import JSON
import Plugins

/// Makes up values that fit a schema, and some that nearly do.
struct ArgumentMaker {
    private let root: JSONValue
    private var random: SplitMix
    private var depth = 0
    private let spoils: Bool

    /// With `spoils`, one of four values is spoilt in one place.
    init(schema: JSONValue, seed: UInt64, spoils: Bool = true) {
        root = schema
        random = SplitMix(seed: seed)
        self.spoils = spoils
    }

    mutating func next() -> JSONValue {
        let value = make(root, name: "")
        return spoils && random.chance(4) ? spoil(value) : value
    }

    // MARK: Values that fit

    private mutating func make(_ schema: JSONValue, name: String) -> JSONValue {
        depth += 1
        defer { depth -= 1 }
        guard depth < 12 else { return .null }
        if let reference = schema["$ref"]?.string, let target = Self.resolve(reference, in: root) {
            return make(target, name: name)
        }
        if let constant = schema["const"] { return constant }
        if let choices = schema["enum"]?.array, !choices.isEmpty { return random.pick(choices) }
        if let alternatives = schema["anyOf"]?.array, !alternatives.isEmpty {
            return make(random.pick(alternatives), name: name)
        }
        let types = schema["type"]?.array?.compactMap(\.string) ?? schema["type"]?.string.map { [$0] } ?? []
        switch types.isEmpty ? random.pick(["string", "integer", "object"]) : random.pick(types) {
        case "object": return object(schema)
        case "array": return array(schema, name: name)
        case "integer": return .int(integer(schema))
        case "number": return random.chance(2) ? .int(integer(schema)) : .double(Double(integer(schema)) * 0.5 + 0.5)
        case "boolean": return .bool(random.chance(2))
        case "null": return .null
        default: return .string(text(schema, name: name))
        }
    }

    private mutating func object(_ schema: JSONValue) -> JSONValue {
        var object = JSONObject()
        let required = Set((schema["required"]?.array ?? []).compactMap(\.string))
        for property in schema["properties"]?.object?.members ?? [] {
            guard required.contains(property.key) || random.chance(2) else { continue }
            object[property.key] = make(property.value, name: property.key)
        }
        if let extra = schema["additionalProperties"], extra.object != nil, random.chance(2) {
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                object[random.pick(["NAME", "a", "A_B", "ü", "x y"])] = make(extra, name: "")
            }
        }
        return .object(object)
    }

    private mutating func array(_ schema: JSONValue, name: String) -> JSONValue {
        let least = min(schema["minItems"]?.int ?? 0, Self.mostElements)
        let most = min(schema["maxItems"]?.int ?? least + 3, least + 4)
        let count = Int.random(in: least...max(least, most), using: &random)
        return .array((0..<count).map { _ in make(schema["items"] ?? ["type": "string"], name: name) })
    }

    /// Bounds are a stranger's, too: what no call could hold is cut to what one can.
    private static let mostElements = 1000
    private static let longestText = 100_000

    private static func whole(_ bound: JSONValue?, _ rule: FloatingPointRoundingRule) -> Int? {
        bound?.double.map { Int(exactly: $0.rounded(rule)) ?? ($0 < 0 ? -.max : .max) }
    }

    private static func before(_ number: Int) -> Int { number == .min ? number : number - 1 }
    private static func after(_ number: Int) -> Int { number == .max ? number : number + 1 }

    /// Small numbers and those at the bounds.
    private mutating func integer(_ schema: JSONValue) -> Int {
        let low = Self.whole(schema["minimum"], .up) ?? Self.whole(schema["exclusiveMinimum"], .down).map(Self.after)
        let high =
            Self.whole(schema["maximum"], .down) ?? Self.whole(schema["exclusiveMaximum"], .up).map(Self.before)
        var choices = [low, high, low.map(Self.after)].compactMap(\.self)
        choices += [0, 1, 2, 7, 100, -1, 1_000_000, Int.max].filter { $0 >= low ?? .min && $0 <= high ?? .max }
        return random.pick(choices.isEmpty ? [0] : choices)
    }

    /// What breaks programs that handle texts, and names of files that are there.
    private static let texts = [
        "", " ", "a", "hello", "two words", "line one\nline two\n", "\n", "\r\n", "tab\there", "ünïcödé ✓", "日本語",
        "%s %d %", "(", "[",
        "%", "^$*+?.", "'; rm -rf /", "$(id)", "\"quoted\"", "\\", "--help", "-", "nil", "0", "{\"a\": 1}",
        String(repeating: "x", count: 5000), "\u{0}", "\u{FEFF}bom", "a=b\nc=d", "<b>&amp;</b>",
    ]

    private mutating func text(_ schema: JSONValue, name: String) -> String {
        if let examples = schema["examples"]?.array?.compactMap(\.string), !examples.isEmpty, random.chance(2) {
            return random.pick(examples)
        }
        let isPath = ["path", "file", "dir", "cwd", "folder", "pattern"].contains { name.lowercased().contains($0) }
        var text = random.pick(isPath && !random.chance(4) ? FuzzWorld.paths : Self.texts)
        if let least = schema["minLength"]?.int.map({ min($0, Self.longestText) }), text.unicodeScalars.count < least {
            text += String(repeating: "y", count: least - text.unicodeScalars.count)
        }
        if let most = schema["maxLength"]?.int { text = String(text.unicodeScalars.prefix(most).map(Character.init)) }
        return text
    }

    private static func resolve(_ reference: String, in root: JSONValue) -> JSONValue? {
        var value: JSONValue? = root
        for part in reference.dropFirst().split(separator: "/") { value = value?[String(part)] }
        return value
    }

    // MARK: Values that nearly fit

    private mutating func spoil(_ value: JSONValue) -> JSONValue {
        guard case .object(var object) = value, !object.isEmpty, !random.chance(8) else {
            return random.pick([.null, .array([]), .string("text"), .int(1), [:], ["unknown": 1]])
        }
        let key = random.pick(object.keys)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: object[key] = nil
        case 1: object[key] = .null
        case 2: object[key] = random.pick([.int(-1), .string(""), .bool(true), .array([]), .double(1.5), [:]])
        case 3: object[key + "s"] = object[key]
        default: object[key] = spoil(object[key] ?? .null)
        }
        return .object(object)
    }
}
