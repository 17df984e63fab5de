import JSON

typealias PolicyPath<Value> = WritableKeyPath<PolicyFile, Value> & Sendable

/// Keys of the usual kinds over the fields they stand for.
extension PolicyKey {
    static func size(_ name: String, _ path: PolicyPath<Int>, atLeast least: Int = 1, _ help: String) -> PolicyKey {
        scalar(name, .size(atLeast: least), path, help, write: size) { read($0, atLeast: least) }
    }

    static func size(_ name: String, _ path: PolicyPath<Int?>, atLeast least: Int = 1, _ help: String) -> PolicyKey {
        optional(name, .size(atLeast: least), path, help, write: size) { read($0, atLeast: least) }
    }

    static func count(_ name: String, _ path: PolicyPath<Int>, _ range: ClosedRange<Int>, _ help: String) -> PolicyKey {
        scalar(name, .count(range), path, help, write: JSONValue.int) { read($0, in: range) }
    }

    static func count(_ name: String, _ path: PolicyPath<Int?>, _ range: ClosedRange<Int>, _ help: String) -> PolicyKey
    {
        optional(name, .count(range), path, help, write: JSONValue.int) { read($0, in: range) }
    }

    static func duration(_ name: String, _ path: PolicyPath<Duration>, _ help: String) -> PolicyKey {
        scalar(name, .duration, path, help, write: { .string(Quantity.text($0)) }, read: duration)
    }

    static func duration(_ name: String, _ path: PolicyPath<Duration?>, _ help: String) -> PolicyKey {
        optional(name, .duration, path, help, write: { .string(Quantity.text($0)) }, read: duration)
    }

    static func flag(_ name: String, _ path: PolicyPath<Bool>, _ help: String) -> PolicyKey {
        scalar(name, .flag, path, help, write: JSONValue.bool) { $0.bool }
    }

    static func choice<Value: RawRepresentable<String> & CaseIterable & SendableMetatype & Sendable>(
        _ name: String, _ path: PolicyPath<Value>, _ help: String
    ) -> PolicyKey {
        scalar(name, .choice(Value.allCases.map(\.rawValue)), path, help, write: { .string($0.rawValue) }) {
            $0.string.flatMap(Value.init)
        }
    }

    /// `read` says what is wrong with an element.
    static func list(
        _ name: String, _ element: Kind, _ help: String, get: @escaping @Sendable (PolicyFile) -> [JSONValue],
        set: @escaping @Sendable (inout PolicyFile, [JSONValue]) throws(PolicyValueError) -> Void
    ) -> PolicyKey {
        let kind = element.list()
        return PolicyKey(name, kind, help, get: { .array(get($0)) }) { (file, value) throws(PolicyValueError) in
            guard let elements = value.array else { throw .wrong(kind.words, value) }
            try set(&file, elements)
        }
    }

    init(
        _ name: String, _ kind: Kind, _ help: String, get: @escaping @Sendable (PolicyFile) -> JSONValue,
        set: @escaping @Sendable (inout PolicyFile, JSONValue) throws(PolicyValueError) -> Void
    ) {
        let own = name.split(separator: ".").last.map(String.init) ?? name
        let isEgress = name.hasPrefix("egress.") && own != "allow"
        let word = own == "binds" ? "bind" : own.split(separator: "_").joined(separator: "-")
        self.init(
            name: name, flag: isEgress ? "egress-" + word : word, help: help, kind: kind, read: get, write: set)
    }

    // MARK: One value

    private static func scalar<Value: Sendable>(
        _ name: String, _ kind: Kind, _ path: PolicyPath<Value>, _ help: String,
        write: @escaping @Sendable (Value) -> JSONValue, read: @escaping @Sendable (JSONValue) -> Value?
    ) -> PolicyKey {
        PolicyKey(name, kind, help, get: { write($0[keyPath: path]) }) { (file, value) throws(PolicyValueError) in
            guard let read = read(value) else { throw .wrong(kind.words, value) }
            file[keyPath: path] = read
        }
    }

    private static func optional<Value: Sendable>(
        _ name: String, _ kind: Kind, _ path: PolicyPath<Value?>, _ help: String,
        write: @escaping @Sendable (Value) -> JSONValue, read: @escaping @Sendable (JSONValue) -> Value?
    ) -> PolicyKey {
        let kind = kind.optional()
        return PolicyKey(name, kind, help, get: { $0[keyPath: path].map(write) ?? .null }) {
            (file, value) throws(PolicyValueError) in
            let read = read(value)
            guard read != nil || value.isNull else { throw .wrong(kind.words, value) }
            file[keyPath: path] = read
        }
    }

    // MARK: Values

    private static func size(_ bytes: Int) -> JSONValue {
        Quantity.text(bytes: bytes).map(JSONValue.string) ?? .int(bytes)
    }

    private static func read(_ value: JSONValue, atLeast least: Int) -> Int? {
        (value.int ?? value.string.flatMap(Quantity.bytes)).flatMap { $0 >= least ? $0 : nil }
    }

    private static func read(_ value: JSONValue, in range: ClosedRange<Int>) -> Int? {
        value.int.flatMap { range.contains($0) ? $0 : nil }
    }

    private static func duration(_ value: JSONValue) -> Duration? {
        let longest = 1e9  // seconds: some thirty years, and no overflow anywhere
        let read =
            value.double.flatMap { (0...longest).contains($0) ? Duration.nanoseconds(Int64($0 * 1e9)) : nil }
            ?? value.string.flatMap(Quantity.duration)
        return read.flatMap { $0 > .zero && $0 <= .seconds(longest) ? $0 : nil }
    }
}
