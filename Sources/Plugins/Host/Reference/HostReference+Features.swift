extension HostReference {
    /// What `host.has` and `requires.host` ask for: the functions ("ws.exec") and their options ("ws.exec.stdin").
    public static let features: Set<String> = Set(
        functions.flatMap { function in [function.name] + function.options.map { "\(function.name).\($0.name)" } }
            + ["json.null"])

    /// The function of a feature: "ws.exec" of "ws.exec.stdin" and of "ws.exec". Itself when it is neither.
    static func function(ofFeature feature: String) -> String {
        guard features.contains(feature), let dot = feature.lastIndex(of: ".") else { return feature }
        let owner = String(feature[..<dot])
        return byName[owner] == nil ? feature : owner
    }
}
