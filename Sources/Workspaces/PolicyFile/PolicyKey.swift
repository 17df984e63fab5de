import JSON

/// One key of a policy file, which is one option of `ise sandbox`, too. The table of all is `PolicyFile.keys`: the reader, the JSON
/// Schema, the help and the effective policy are made from it.
public struct PolicyKey: Sendable {
    /// With its group: `limits.memory`.
    public let name: String
    /// Of the option, without the dashes.
    public let flag: String
    public let help: String
    let kind: Kind
    let read: @Sendable (PolicyFile) -> JSONValue
    let write: @Sendable (inout PolicyFile, JSONValue) throws(PolicyValueError) -> Void

    /// What values it takes.
    struct Kind: Sendable {
        var schema: JSONValue
        /// For a person, after "expected".
        var words: String
        /// Null, or `none` as an option: no bound.
        var isOptional = false
        var isList = false
        /// How an option's text becomes the value that a file has in its place.
        var value: @Sendable (String) -> JSONValue = { .string($0) }
    }

    /// The default, as files spell it.
    public var defaultValue: JSONValue { read(PolicyFile()) }

    /// For a command's help: what it does, its default.
    public var helpWithDefault: String {
        switch defaultValue {
        case .null: "\(help) (default: none)"
        case .array(let elements) where elements.isEmpty: help
        case .string(let text): "\(help) (default: \(text))"
        case let value: "\(help) (default: \(value.compact))"
        }
    }

    /// For a command's help.
    public var valueName: String {
        kind.isList && flag == "bind" ? "source:path" : kind.schema["title"]?.string ?? "value"
    }
}

/// A value that a key doesn't take.
struct PolicyValueError: Error {
    /// Below the key: `[2]`.
    var place = ""
    var message: String

    static func wrong(_ words: String, _ value: JSONValue) -> PolicyValueError {
        PolicyValueError(message: "expected \(words), found \(shown(value))")
    }

    private static func shown(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool, .int, .double: "the \(value.typeName) \(value.compact)"
        case .string: "the string \(value.compact.prefix(80))"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

// MARK: Kinds

extension PolicyKey.Kind {
    static func size(atLeast least: Int) -> Self {
        Self(
            schema: [
                "title": "size", "type": ["integer", "string"], "minimum": .int(least),
                "pattern": "^[0-9]+(\\.[0-9]+)? *([KkMmGgTt]([Ii]?[Bb])?|[Bb])?$",
            ],
            words: "a size such as \"64MiB\" or a number of bytes, at least \(least)")
    }

    static func count(_ range: ClosedRange<Int>) -> Self {
        Self(
            schema: [
                "title": "count", "type": "integer", "minimum": .int(range.lowerBound),
                "maximum": .int(range.upperBound),
            ],
            words: "an integer from \(range.lowerBound) to \(range.upperBound)",
            value: { Int($0).map(JSONValue.int) ?? .string($0) })
    }

    static let duration = Self(
        schema: [
            "title": "duration", "type": ["number", "string"], "exclusiveMinimum": 0,
            "pattern": "^[0-9]+(\\.[0-9]+)? *(ns|us|ms|s|m|h)?$",
        ],
        words: "a duration such as \"90s\" or \"500ms\" or a number of seconds, more than 0",
        value: { Double($0).map(JSONValue.double) ?? .string($0) })

    static let flag = Self(
        schema: ["title": "true|false", "type": "boolean"], words: "true or false",
        value: { $0 == "true" ? true : $0 == "false" ? false : .string($0) })

    static func text(_ words: String, title: String) -> Self {
        Self(schema: ["title": .string(title), "type": "string", "minLength": 1], words: words)
    }

    static func choice(_ choices: [String]) -> Self {
        Self(
            schema: ["title": .string(choices.joined(separator: "|")), "type": "string", "enum": JSONValue(choices)],
            words: choices.count == 1
                ? "\"\(choices[0])\"" : "one of " + choices.map { "\"\($0)\"" }.joined(separator: ", "))
    }

    func list() -> Self {
        let title: JSONValue = schema["title"] ?? "value"
        return Self(
            schema: ["title": title, "type": "array", "items": schema], words: "an array of which each is \(words)",
            isList: true, value: value)
    }

    func optional() -> Self {
        var kind = self
        kind.isOptional = true
        kind.words += ", or null (as an option: none) for no bound"
        return kind
    }
}
