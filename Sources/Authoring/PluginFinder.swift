import Basics
import Glibc
import JSON
import Plugins

/// Finds the plugins that an author means: by name, by folder or file, or all of a directory.
public struct PluginFinder: Sendable {
    private let directories: [String]
    private let catalog: PluginCatalog

    /// `directories` are where plugins are looked for; see `PluginCatalog`.
    public init(directories: [String]) {
        self.directories = directories
        catalog = PluginCatalog.load(from: directories)
    }

    /// Every plugin that can be read, and why others cannot.
    public var all: Found {
        (PluginManifest.Kind.allCases.flatMap { catalog.plugins(kind: $0) }, catalog.problems)
    }

    /// Plugins that can be read, and why others cannot.
    public typealias Found = (plugins: [Plugin], problems: [PluginProblem])

    /// "exec", "tool/exec", "plugins/tools/exec", "plugins/tools/hello.lua", "plugins". One that was named and cannot be
    /// read is an error; in a whole directory it is a problem.
    public func find(_ what: String) throws(AuthoringError) -> Found {
        let isPath =
            what.contains("/") || PluginManifest.Kind.allCases.contains { Files.isDirectory("\(what)/\($0.folder)") }
        if isPath, let found = try findByPath(what) { return found }
        return ([try findByName(what)], [])
    }

    public func find(_ what: [String]) throws(AuthoringError) -> Found {
        var found: Found = ([], [])
        for one in what {
            let more = try find(one)
            found.plugins += more.plugins
            found.problems += more.problems
        }
        return found
    }

    private func findByName(_ what: String) throws(AuthoringError) -> Plugin {
        let parts = what.split(separator: "/").map(String.init)
        let kinds = PluginManifest.Kind.allCases
        let name = parts.last ?? what
        let wanted = parts.count == 2 ? kinds.filter { $0.rawValue == parts[0] || $0.folder == parts[0] } : kinds
        let found = wanted.flatMap { catalog.plugins(kind: $0) }.filter { $0.manifest.name == name }
        if found.count == 1 { return found[0] }
        if what.contains("/"), parts.count != 2 || wanted.isEmpty || what.hasPrefix("/") || what.hasPrefix(".") {
            throw AuthoringError("there is nothing at \(what)")
        }
        if found.count > 1 {
            let choices = found.map { "\($0.manifest.kind.rawValue)/\(name)" }.joined(separator: ", ")
            throw AuthoringError("\"\(what)\" is several plugins; say which: \(choices)")
        }
        let endings = kinds.flatMap { ["/\($0.folder)/\(name)", "/\($0.folder)/\(name).lua"] }
        if let problem = catalog.problems.first(where: { problem in
            endings.contains { problem.file.hasSuffix($0) || problem.file.contains($0 + "/") }
        }) {
            throw AuthoringError(problem.description)
        }
        let names = Set(kinds.flatMap { catalog.plugins(kind: $0) }.map(\.manifest.name))
        let place =
            directories.isEmpty ? "no directory of plugins was found" : "in \(directories.joined(separator: ", "))"
        throw AuthoringError(
            "there is no plugin named \"\(what)\"\(Suggestion.question(for: name, among: names)) (\(place))")
    }

    /// nil when there is nothing at the path.
    private func findByPath(_ path: String) throws(AuthoringError) -> Found? {
        guard Files.isDirectory(path) || Files.isFile(path) else { return nil }
        let full = Files.resolved(path) ?? path
        let kinds = PluginManifest.Kind.allCases
        if kinds.contains(where: { Files.isDirectory(full + "/" + $0.folder) }), !Files.isFile(full + "/plugin.json") {
            return read(full, all: full)
        }
        let parts = full.split(separator: "/")
        if Files.isDirectory(full), kinds.contains(where: { parts.last.map(String.init) == $0.folder }) {
            return read("/" + parts.dropLast().joined(separator: "/"), all: full)
        }
        guard parts.count >= 2,
            let kind = PluginManifest.Kind.allCases.first(where: { $0.folder == parts[parts.count - 2] })
        else {
            let folders = PluginManifest.Kind.allCases.map { $0.folder + "/" }.joined(separator: ", ")
            throw AuthoringError("\(path) is no plugin: plugins stand in one of the folders \(folders)")
        }
        let root = "/" + parts.dropLast(2).joined(separator: "/")
        let found = read(root, all: full)
        if let problem = found.problems.first { throw AuthoringError(problem.description) }
        return (found.plugins.filter { $0.manifest.kind == kind }, [])
    }

    /// All plugins at or below a path, of the directory of plugins `root`.
    private func read(_ root: String, all path: String) -> Found {
        let catalog = PluginCatalog.load(from: [root] + directories)
        func isMeant(_ place: String) -> Bool { place == path || place.hasPrefix(path + "/") }
        let plugins = PluginManifest.Kind.allCases.flatMap { catalog.plugins(kind: $0) }
        return (plugins.filter { isMeant($0.location) }, catalog.problems.filter { isMeant($0.file) })
    }
}
