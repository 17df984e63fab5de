import JSON

/// Reads one object of a manifest member by member; members that nobody asked for are errors.
struct ManifestReader {
    private let object: JSONObject
    /// "limits", "permissions.fs[0]"; "" for the manifest itself.
    private let path: String

    /// Throws for a value that is no object, and for members other than `known`. `document` names the whole in messages.
    init(
        _ value: JSONValue, path: String, known: [String], of document: String = "the manifest"
    ) throws(ManifestProblem) {
        let subject = path.isEmpty ? document : "\"\(path)\""
        guard let object = value.object else {
            throw ManifestProblem("\(subject) must be an object, not \(value.typeName)", key: Self.last(path))
        }
        for key in object.keys where !known.contains(key) {
            throw ManifestProblem(
                "unknown key \"\(key)\" in \(subject)\(Suggestion.question(for: key, among: known))", key: key)
        }
        self.object = object
        self.path = path
    }

    private static func last(_ path: String) -> String? {
        path.split(separator: ".").last.map { String($0.prefix { $0 != "[" }) }
    }

    func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    subscript(key: String) -> JSONValue? { object[key] }

    func wrong(_ key: String, _ expected: String) -> ManifestProblem {
        let got = object[key].map { "not \(String($0.compact.prefix(60)))" } ?? "but is missing"
        return ManifestProblem("\"\(path(of: key))\" must be \(expected), \(got)", key: key)
    }

    func string(_ key: String) throws(ManifestProblem) -> String {
        guard let text = object[key]?.string, !text.isEmpty else { throw wrong(key, "a text") }
        return text
    }

    func bool(_ key: String) throws(ManifestProblem) -> Bool? {
        guard let value = object[key] else { return nil }
        guard let bool = value.bool else { throw wrong(key, "true or false") }
        return bool
    }

    /// A number above 0 and up to `maximum`.
    func positive(_ key: String, maximum: Int) throws(ManifestProblem) -> Int? { try integer(key, 1...maximum) }

    func natural(_ key: String, maximum: Int) throws(ManifestProblem) -> Int? { try integer(key, 0...maximum) }

    private func integer(_ key: String, _ range: ClosedRange<Int>) throws(ManifestProblem) -> Int? {
        guard let value = object[key] else { return nil }
        guard let number = value.int, range.contains(number) else {
            throw wrong(key, "an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func strings(_ key: String) throws(ManifestProblem) -> [String] {
        guard let value = object[key] else { return [] }
        guard let elements = value.array, case let texts = elements.compactMap(\.string), texts.count == elements.count
        else { throw wrong(key, "a list of texts") }
        return texts
    }

    func array(_ key: String) throws(ManifestProblem) -> [JSONValue] {
        guard let value = object[key] else { return [] }
        guard let elements = value.array else { throw wrong(key, "a list") }
        return elements
    }

    /// A JSON Schema of the subset, or nil.
    func schema(_ key: String) throws(ManifestProblem) -> JSONValue? {
        guard let value = object[key] else { return nil }
        if let problem = SchemaCheck.problem(in: value, path: path(of: key)) { throw problem }
        return value
    }
}
