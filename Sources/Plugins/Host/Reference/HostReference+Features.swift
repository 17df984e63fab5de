extension HostReference {
    /// Members of host tables that are data.
    public static let values: [Field] = [
        Field("host.api", "integer", "The host API that is served: what `api` in manifests names."),
        Field("host.version", "string", "The version of ISE."),
        Field("json.null", "userdata", "JSON's null, where nil would leave a hole."),
    ]

    /// Those of one table, under their names in it.
    public static func values(of library: String) -> [Field] {
        values.filter { $0.name.hasPrefix(library + ".") }.map { value in
            Field(String(value.name.dropFirst(library.count + 1)), value.type, value.doc)
        }
    }

    /// What `host.has` and `requires.host` ask for: the functions ("ws.exec") and their options ("ws.exec.stdin").
    public static let features: Set<String> = Set(
        functions.flatMap { function in [function.name] + function.options.map { "\(function.name).\($0.name)" } }
            + values.map(\.name))

    /// The function of a feature: "ws.exec" of "ws.exec.stdin" and of "ws.exec". Itself when it is neither.
    static func function(ofFeature feature: String) -> String {
        guard features.contains(feature), let dot = feature.lastIndex(of: ".") else { return feature }
        let owner = String(feature[..<dot])
        return byName[owner] == nil ? feature : owner
    }
}
