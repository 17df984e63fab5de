import JSON

/// Checks that a schema itself is one of the subset: what it uses is known, and has the right type. A misspelled
/// keyword would otherwise check nothing.
enum SchemaCheck {
    private enum Expected { case any, text, bool, number, count, list, texts, schema, schemas, schemaMap, types }

    private static let keywords: [String: Expected] = [
        "type": .types, "enum": .list, "const": .any, "default": .any, "required": .texts, "properties": .schemaMap,
        "additionalProperties": .schema, "items": .schema, "minItems": .count, "maxItems": .count, "uniqueItems": .bool,
        "minLength": .count, "maxLength": .count, "pattern": .text, "minimum": .number, "maximum": .number,
        "exclusiveMinimum": .number, "exclusiveMaximum": .number, "multipleOf": .number, "anyOf": .schemas,
        "$ref": .text, "$defs": .schemaMap, "$schema": .text, "title": .text, "description": .text, "format": .text,
        "examples": .list,
    ]

    private static let types = ["null", "boolean", "integer", "number", "string", "array", "object"]
    private static let maximumDepth = 64

    static func problem(in schema: JSONValue, path: String) -> ManifestProblem? {
        do throws(ManifestProblem) {
            try check(schema, path: path, root: schema, depth: 0)
            return nil
        } catch {
            return error
        }
    }

    /// "#", "#/$defs/name" and the like.
    static func resolve(_ reference: String, in root: JSONValue) -> JSONValue? {
        guard reference.hasPrefix("#") else { return nil }
        var value: JSONValue? = root
        for part in reference.dropFirst().split(separator: "/") { value = value?[String(part)] }
        return value
    }

    private static func check(
        _ schema: JSONValue, path: String, root: JSONValue, depth: Int
    ) throws(ManifestProblem) {
        if schema.bool != nil { return }
        guard depth < maximumDepth else { throw ManifestProblem("\"\(path)\" is nested too deeply") }
        guard let object = schema.object else {
            throw ManifestProblem("\"\(path)\" must be a JSON Schema (an object), not \(schema.typeName)")
        }
        for member in object.members {
            guard let expected = keywords[member.key] else {
                throw ManifestProblem(
                    "\"\(path)\" uses \"\(member.key)\", which is no keyword of the JSON Schema subset"
                        + Suggestion.question(for: member.key, among: keywords.keys), key: member.key)
            }
            try check(
                member.value, expected, key: member.key, path: "\(path).\(member.key)", root: root, depth: depth + 1)
        }
        if let value = object["default"],
            case .failure(let violations) = SchemaValidator.validate(value, against: rooted(schema, root))
        {
            throw ManifestProblem(
                "the default of \"\(path)\" does not fit: \(violations.first?.description ?? "")", key: "default")
        }
    }

    /// The schema with the definitions of the whole, so that its references resolve.
    private static func rooted(_ schema: JSONValue, _ root: JSONValue) -> JSONValue {
        guard let definitions = root["$defs"], schema["$defs"] == nil else { return schema }
        var copy = schema
        copy["$defs"] = definitions
        return copy
    }

    private static func check(
        _ value: JSONValue, _ expected: Expected, key: String, path: String, root: JSONValue, depth: Int
    ) throws(ManifestProblem) {
        switch expected {
        case .any: break
        case .text:
            guard let text = value.string else { throw wrong(path, "a text", key) }
            if key == "pattern" { try checkPattern(text, path) }
            if key == "$ref" { try checkReference(text, path, root) }
        case .bool: guard value.bool != nil else { throw wrong(path, "true or false", key) }
        case .number:
            guard let number = value.double, key != "multipleOf" || number > 0 else {
                throw wrong(path, "a number", key)
            }
        case .count:
            guard let count = value.int, count >= 0 else { throw wrong(path, "an integer of at least 0", key) }
        case .list: guard value.array?.isEmpty == false else { throw wrong(path, "a list that is not empty", key) }
        case .texts:
            guard value.array?.allSatisfy({ $0.string != nil }) == true else {
                throw wrong(path, "a list of texts", key)
            }
        case .types:
            let names = value.array ?? [value]
            guard !names.isEmpty, names.allSatisfy({ types.contains($0.string ?? "") }) else {
                throw wrong(path, "one or more of \(types.joined(separator: ", "))", key)
            }
        case .schema: try check(value, path: path, root: root, depth: depth)
        case .schemas:
            guard let list = value.array, !list.isEmpty else { throw wrong(path, "a list of schemas", key) }
            for (index, schema) in list.enumerated() {
                try check(schema, path: "\(path)[\(index)]", root: root, depth: depth)
            }
        case .schemaMap:
            guard let map = value.object else { throw wrong(path, "an object of schemas", key) }
            for member in map.members {
                try check(member.value, path: "\(path).\(member.key)", root: root, depth: depth)
            }
        }
    }

    private static func wrong(_ path: String, _ expected: String, _ key: String) -> ManifestProblem {
        ManifestProblem("\"\(path)\" must be \(expected)", key: key)
    }

    private static func checkPattern(_ text: String, _ path: String) throws(ManifestProblem) {
        do throws(TextPattern.SyntaxError) { _ = try TextPattern(text) } catch {
            throw ManifestProblem("\"\(path)\" is no regular expression of the subset: \(error.reason)", key: "pattern")
        }
    }

    private static func checkReference(_ text: String, _ path: String, _ root: JSONValue) throws(ManifestProblem) {
        guard text.hasPrefix("#") else {
            throw ManifestProblem("\"\(path)\" must stay in this schema (\"#/$defs/…\")", key: "$ref")
        }
        guard resolve(text, in: root) != nil else {
            throw ManifestProblem("\"\(path)\": there is nothing at \(text)", key: "$ref")
        }
    }
}
