import JSON

/// A machine-checked predicate over the final workspace. Paths are relative to the home directory.
public enum Goal: Sendable, Hashable {
    case fileEquals(path: String, content: String)
    case fileContains(path: String, text: String)
    case fileExists(path: String)
    case fileAbsent(path: String)
    /// The value at a JSON pointer (RFC 6901) of a JSON file; numbers compare by value.
    case jsonEquals(path: String, pointer: String, value: JSONValue)
    /// The same bytes as in the fixture.
    case unchanged(path: String)
    case command(CommandGoal)
    /// Permission bits, as in `chmod`.
    case mode(path: String, mode: Int)

    static let kinds = [
        "file_equals", "file_contains", "file_exists", "file_absent", "json_equals", "unchanged", "command", "mode",
    ]
}

/// A command that is run in the home directory, and what it must give.
public struct CommandGoal: Sendable, Hashable {
    public var argv: [String]
    public var exitCode: Int
    /// Compared without surrounding white space.
    public var stdout: String?
    public var stdoutContains: String?
}

/// A goal that cannot be read. `description` names what is wrong.
public struct GoalError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String
}

extension Goal {
    public init(_ value: JSONValue) throws(GoalError) {
        let fields = GoalFields(value)
        switch value["kind"]?.string {
        case "file_equals": self = .fileEquals(path: try fields.string("path"), content: try fields.string("content"))
        case "file_contains": self = .fileContains(path: try fields.string("path"), text: try fields.string("text"))
        case "file_exists": self = .fileExists(path: try fields.string("path"))
        case "file_absent": self = .fileAbsent(path: try fields.string("path"))
        case "json_equals":
            self = .jsonEquals(
                path: try fields.string("path"), pointer: try fields.string("pointer"), value: try fields.value("value")
            )
        case "unchanged": self = .unchanged(path: try fields.string("path"))
        case "command": self = .command(try CommandGoal(fields))
        case "mode": self = .mode(path: try fields.string("path"), mode: try fields.integer("mode"))
        case let kind:
            let known = Goal.kinds.joined(separator: ", ")
            throw GoalError(description: "unknown goal kind `\(kind ?? "missing")`; known are \(known)")
        }
    }
}

extension CommandGoal {
    fileprivate init(_ fields: GoalFields) throws(GoalError) {
        guard let argv = fields.object["argv"]?.array?.compactMap(\.string), !argv.isEmpty,
            argv.count == fields.object["argv"]?.array?.count
        else { throw fields.error("`argv` must be a list of strings that is not empty") }
        self.init(
            argv: argv, exitCode: fields.object["exit_code"] == nil ? 0 : try fields.integer("exit_code"),
            stdout: try fields.optionalString("stdout"), stdoutContains: try fields.optionalString("stdout_contains"))
    }
}

/// Reads the members of a goal and says which one is wrong.
private struct GoalFields {
    var object: JSONValue

    init(_ object: JSONValue) { self.object = object }

    func error(_ what: String) -> GoalError {
        GoalError(description: "goal \(object["kind"]?.string ?? object.compact): \(what)")
    }

    func value(_ key: String) throws(GoalError) -> JSONValue {
        guard let value = object[key] else { throw error("`\(key)` is missing") }
        return value
    }

    func string(_ key: String) throws(GoalError) -> String {
        guard let text = try value(key).string else { throw error("`\(key)` must be a string") }
        return text
    }

    func integer(_ key: String) throws(GoalError) -> Int {
        guard let number = try value(key).int else { throw error("`\(key)` must be an integer") }
        return number
    }

    func optionalString(_ key: String) throws(GoalError) -> String? {
        object[key] == nil ? nil : try string(key)
    }
}
