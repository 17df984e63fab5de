/// What was found at one place, and how its files looked then.
struct PluginReading: Sendable {
    var signature: PluginSignature
    /// Before its libraries are linked to it.
    var result: Result<Plugin, PluginProblem>
}

/// Size, times and identity of every file of a plugin: all that `stat(2)` tells, and none of the content. A file that is
/// written to gets another one.
struct PluginSignature: Sendable, Hashable {
    private var facts: [Int] = []
    private var names: [String] = []

    /// Of a folder, with what is below it, or of a file. One that is not there has a signature too.
    init(of path: String) { add(path, depth: 0) }

    private mutating func add(_ path: String, depth: Int) {
        names.append(path)
        facts += PluginFiles.facts(of: path)
        guard depth < 9, PluginFiles.kind(of: path) == .folder else { return }
        for entry in (try? PluginFiles.entries(of: path)) ?? [] { add(path + "/" + entry.name, depth: depth + 1) }
    }
}
