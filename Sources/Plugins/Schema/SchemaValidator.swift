import JSON

/// One place where a value does not fit its schema.
public struct SchemaViolation: Sendable, Hashable, CustomStringConvertible {
    /// "edits[0].path"; "" for the value itself.
    public var path: String
    /// What was expected and what came.
    public var message: String

    public var description: String { path.isEmpty ? message : "\(path): \(message)" }
}

public enum SchemaResult: Sendable, Hashable {
    /// The value with defaults filled in.
    case success(JSONValue)
    case failure([SchemaViolation])
}

/// Validates values against the subset of JSON Schema that manifests may use (see `SchemaCheck`). Objects are closed
/// unless `additionalProperties` says otherwise; members that are missing get their `default`; an integral number is an
/// integer.
public enum SchemaValidator {
    public static func validate(_ value: JSONValue, against schema: JSONValue) -> SchemaResult {
        var validation = SchemaValidation(root: schema)
        let filled = validation.check(value, schema, path: "")
        return validation.violations.isEmpty ? .success(filled) : .failure(validation.violations)
    }
}

struct SchemaValidation {
    let root: JSONValue
    private(set) var violations: [SchemaViolation] = []
    private var depth = 0
    private var steps = 0

    init(root: JSONValue) { self.root = root }

    /// A model that sends nonsense needs to see the first faults, not thousands.
    private static let maximumViolations = 20
    private static let maximumDepth = 64
    /// References inside alternatives can multiply without end.
    private static let maximumSteps = 100_000

    mutating func check(_ value: JSONValue, _ schema: JSONValue, path: String) -> JSONValue {
        guard violations.count < Self.maximumViolations else { return value }
        guard depth < Self.maximumDepth else {
            report(path, "nested deeper than \(Self.maximumDepth) levels")
            return value
        }
        steps += 1
        guard steps <= Self.maximumSteps else {
            report(path, "the value and its schema take more than \(Self.maximumSteps) steps to check")
            return value
        }
        depth += 1
        defer { depth -= 1 }
        if let bool = schema.bool {
            if !bool { report(path, "nothing is allowed here") }
            return value
        }
        if let reference = schema["$ref"]?.string {
            guard let target = SchemaCheck.resolve(reference, in: root) else {
                report(path, "the schema refers to \(reference), which is not there")
                return value
            }
            return check(value, target, path: path)
        }
        let before = violations.count
        var filled = checkType(value, schema, path)
        guard violations.count == before else { return value }
        checkChoices(filled, schema, path)
        switch filled {
        case .int, .double: checkNumber(filled, schema, path)
        case .string(let text): checkString(text, schema, path)
        case .array(let elements): filled = .array(checkArray(elements, schema, path))
        case .object(let object): filled = .object(checkObject(object, schema, path))
        case .null, .bool: break
        }
        return checkAlternatives(filled, schema, path)
    }

    mutating func report(_ path: String, _ message: String) {
        guard violations.count < Self.maximumViolations else { return }
        violations.append(SchemaViolation(path: path, message: message))
    }

    static func show(_ value: JSONValue) -> String {
        let text = value.compact
        return text.count <= 60 ? text : text.prefix(57) + "…"
    }

    // MARK: Types and choices

    private mutating func checkType(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> JSONValue {
        let types = schema["type"]?.array?.compactMap(\.string) ?? schema["type"]?.string.map { [$0] } ?? []
        guard !types.isEmpty else { return value }
        if types.contains(value.typeName) || types.contains("number") && value.typeName == "integer" { return value }
        if types.contains("integer"), let integer = value.int { return .int(integer) }
        report(path, "expected \(types.joined(separator: " or ")), got \(value.typeName) \(Self.show(value))")
        return value
    }

    private mutating func checkChoices(_ value: JSONValue, _ schema: JSONValue, _ path: String) {
        if let choices = schema["enum"]?.array, !choices.contains(where: { Self.equal($0, value) }) {
            let list = choices.map(\.compact).joined(separator: ", ")
            let text = value.string ?? ""
            let guess = Suggestion.question(for: text, among: text.isEmpty ? [] : choices.compactMap(\.string))
            report(path, "expected one of \(list), got \(Self.show(value))\(guess)")
        }
        if let wanted = schema["const"], !Self.equal(wanted, value) {
            report(path, "expected \(Self.show(wanted)), got \(Self.show(value))")
        }
    }

    /// 1 and 1.0 are the same number.
    static func equal(_ a: JSONValue, _ b: JSONValue) -> Bool {
        if let x = a.double, let y = b.double { return a == b || x == y && a.int == b.int }
        return a == b
    }

    private mutating func checkAlternatives(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> JSONValue {
        guard let alternatives = schema["anyOf"]?.array else { return value }
        var best: [SchemaViolation]?
        for alternative in alternatives {
            var attempt = SchemaValidation(root: root)
            attempt.depth = depth
            attempt.steps = steps
            let filled = attempt.check(value, alternative, path: path)
            steps = attempt.steps
            if attempt.violations.isEmpty { return filled }
            // The alternative that got furthest into the value is the one that was meant.
            if best.map({ Self.reach($0) < Self.reach(attempt.violations) }) ?? true { best = attempt.violations }
        }
        report(
            path, "fits none of the \(alternatives.count) alternatives; the nearest: \(best?.first?.description ?? "")")
        return value
    }

    private static func reach(_ violations: [SchemaViolation]) -> Int { violations.map(\.path.utf8.count).max() ?? 0 }

    // MARK: Scalars

    private mutating func checkNumber(_ value: JSONValue, _ schema: JSONValue, _ path: String) {
        guard let number = value.double else { return }
        func bound(_ key: String, _ words: String, _ holds: (Double, Double) -> Bool) -> String? {
            guard let limit = schema[key], let other = limit.double, !holds(number, other) else { return nil }
            return "expected a number \(words) \(limit.compact), got \(value.compact)"
        }
        let faults = [
            bound("minimum", "of at least", >=), bound("maximum", "of at most", <=),
            bound("exclusiveMinimum", "above", >), bound("exclusiveMaximum", "below", <),
            bound("multipleOf", "that is a multiple of") { $0.remainder(dividingBy: $1) == 0 },
        ]
        for fault in faults.compactMap(\.self) { report(path, fault) }
    }

    private mutating func checkString(_ text: String, _ schema: JSONValue, _ path: String) {
        let length = text.unicodeScalars.count
        if let least = schema["minLength"]?.int, length < least {
            report(path, "expected at least \(least) character\(least == 1 ? "" : "s"), got \(length)")
        }
        if let most = schema["maxLength"]?.int, length > most {
            report(path, "expected at most \(most) character\(most == 1 ? "" : "s"), got \(length)")
        }
        if let source = schema["pattern"]?.string, let pattern = try? TextPattern(source), !pattern.occurs(in: text) {
            report(path, "expected a text that matches \(source), got \(Self.show(.string(text)))")
        }
    }

    // MARK: Containers

    private mutating func checkArray(_ elements: [JSONValue], _ schema: JSONValue, _ path: String) -> [JSONValue] {
        if let least = schema["minItems"]?.int, elements.count < least {
            report(path, "expected at least \(least) element\(least == 1 ? "" : "s"), got \(elements.count)")
        }
        if let most = schema["maxItems"]?.int, elements.count > most {
            report(path, "expected at most \(most) element\(most == 1 ? "" : "s"), got \(elements.count)")
            return elements
        }
        if schema["uniqueItems"]?.bool == true, Set(elements).count != elements.count {
            report(path, "expected elements that differ from each other")
        }
        guard let items = schema["items"] else { return elements }
        var filled = elements
        for index in filled.indices { filled[index] = check(filled[index], items, path: "\(path)[\(index)]") }
        return filled
    }

    private mutating func checkObject(_ object: JSONObject, _ schema: JSONValue, _ path: String) -> JSONObject {
        let properties = schema["properties"]?.object ?? JSONObject()
        var filled = object
        for member in object.members where violations.count < Self.maximumViolations {
            let memberPath = path.isEmpty ? member.key : "\(path).\(member.key)"
            if let own = properties[member.key] {
                filled[member.key] = check(member.value, own, path: memberPath)
            } else if let additional = Self.additional(schema, properties), additional.bool != true {
                if additional.bool == false {
                    let known = properties.isEmpty ? "none" : properties.keys.joined(separator: ", ")
                    let guess = Suggestion.question(for: member.key, among: properties.keys)
                    report(memberPath, "unknown member\(guess.isEmpty ? "; the known ones are: \(known)" : guess)")
                } else {
                    filled[member.key] = check(member.value, additional, path: memberPath)
                }
            }
        }
        for property in properties.members where filled[property.key] == nil {
            filled[property.key] = property.value["default"]
        }
        for key in schema["required"]?.array?.compactMap(\.string) ?? [] where filled[key] == nil {
            let type = properties[key]?["type"]?.string.map { " (\($0))" } ?? ""
            report(path, "the member \"\(key)\"\(type) is missing")
        }
        return filled
    }

    /// What members that the schema does not name must fit. An object without any named member takes everything.
    private static func additional(_ schema: JSONValue, _ properties: JSONObject) -> JSONValue? {
        schema["additionalProperties"] ?? (schema["properties"] == nil ? .bool(true) : .bool(false))
    }
}
