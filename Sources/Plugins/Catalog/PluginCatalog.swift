import JSON

/// The plugins below some directories, each with the folders `tools/`, `personas/` and so on.
public struct PluginCatalog: Sendable {
    /// What could not be used, in the order it was found.
    public private(set) var problems: [PluginProblem] = []
    private var plugins: [PluginManifest.Kind: [String: Plugin]] = [:]
    private let directories: [String]

    /// Reads every plugin without running any. A broken one is listed in `problems` and hurts nobody else. The first of
    /// two plugins with the same kind and name counts.
    public static func load(from directories: [String]) -> PluginCatalog {
        var catalog = PluginCatalog(directories: directories)
        for directory in directories { catalog.read(directory) }
        catalog.resolveLibraries()
        return catalog
    }

    private init(directories: [String]) { self.directories = directories }

    // MARK: Asking

    /// Sorted by name.
    public func plugins(kind: PluginManifest.Kind) -> [Plugin] {
        (plugins[kind] ?? [:]).values.sorted { $0.manifest.name < $1.manifest.name }
    }

    /// Throws `unknown_plugin`, which lists the names that there are, or `invalid_plugin`, which says what is wrong
    /// with it.
    public func plugin(kind: PluginManifest.Kind, named name: String) throws(PluginError) -> Plugin {
        if let plugin = plugins[kind]?[name] { return plugin }
        let endings = ["/\(kind.folder)/\(name)", "/\(kind.folder)/\(name).lua"]
        if let problem = problems.first(where: { problem in
            endings.contains { problem.file.hasSuffix($0) } || problem.file.contains("/\(kind.folder)/\(name)/")
        }) {
            throw PluginError(
                code: "invalid_plugin", message: "the \(kind.rawValue) \"\(name)\" cannot be used: \(problem.reason)",
                file: problem.file, line: problem.line)
        }
        let names = plugins(kind: kind).map(\.manifest.name)
        let known =
            names.isEmpty ? "there are none in \(directories.joined(separator: ", "))" : names.joined(separator: ", ")
        throw PluginError(
            code: "unknown_plugin",
            message: "there is no \(kind.rawValue) named \"\(name)\"\(Suggestion.question(for: name, among: names)) "
                + "(known: \(known))")
    }

    /// The same plugins, each granted what the policy says. Throws `invalid_policy` for a name that no plugin has.
    public func granted(by policy: PluginPolicy) throws(PluginError) -> PluginCatalog {
        let all = PluginManifest.Kind.allCases.flatMap { plugins(kind: $0) }
        let faults = policy.problems(among: all.map(\.manifest))
        guard faults.isEmpty else { throw PluginError(code: "invalid_policy", message: faults.joined(separator: "; ")) }
        var result = self
        for plugin in all {
            result.plugins[plugin.manifest.kind]?[plugin.manifest.name]?.ceiling = policy.ceiling(for: plugin.manifest)
        }
        return result
    }

    // MARK: Reading

    private mutating func read(_ directory: String) {
        guard PluginFiles.kind(of: directory + "/.") == .folder else {
            problems.append(PluginProblem(file: directory, reason: "there is no such directory of plugins"))
            return
        }
        for kind in PluginManifest.Kind.allCases {
            let folder = directory + "/" + kind.folder
            guard PluginFiles.kind(of: folder + "/.") == .folder else { continue }
            do throws(PluginFiles.Failure) {
                for entry in try PluginFiles.entries(of: folder) { read(entry, in: folder, kind: kind) }
            } catch {
                problems.append(PluginProblem(file: folder, reason: error.reason))
            }
        }
    }

    private mutating func read(_ entry: PluginFiles.Entry, in folder: String, kind: PluginManifest.Kind) {
        let path = folder + "/" + entry.name
        do throws(PluginProblem) {
            switch entry.kind {
            case .folder: add(try PluginReader.readFolder(path, name: entry.name, kind: kind))
            case .file where entry.name.hasSuffix(".lua") && !entry.name.hasSuffix("_spec.lua"):
                add(try PluginReader.readFile(path, name: String(entry.name.dropLast(4)), kind: kind))
            case .other where entry.name.hasSuffix(".lua") || !entry.name.contains("."):
                throw PluginProblem(file: path, reason: "it is a link or a special file, which are not followed")
            default: break
            }
        } catch {
            problems.append(error)
        }
    }

    private mutating func add(_ plugin: Plugin) {
        let (kind, name) = (plugin.manifest.kind, plugin.manifest.name)
        if let first = plugins[kind]?[name] {
            // The same plugin again, such as from the repository that one stands in, is no loss.
            guard first.hash != plugin.hash else { return }
            problems.append(
                PluginProblem(
                    file: plugin.location, reason: "the \(plugin.title) is there already, from \(first.location)"))
        } else {
            plugins[kind, default: [:]][name] = plugin
        }
    }

    // MARK: Libraries

    /// Gives each plugin the libraries that it requires, libraries first. A plugin whose library is missing becomes a
    /// problem.
    private mutating func resolveLibraries() {
        var resolved: [String: Plugin] = [:]
        for library in plugins(kind: .library) { resolve(library, into: &resolved, path: []) }
        plugins[.library] = resolved
        for kind in PluginManifest.Kind.allCases where kind != .library {
            for plugin in plugins(kind: kind) {
                let result = linked(plugin, to: resolved)
                plugins[kind]?[plugin.manifest.name] = result
            }
        }
    }

    private mutating func resolve(_ library: Plugin, into resolved: inout [String: Plugin], path: [String]) {
        let name = library.manifest.name
        guard resolved[name] == nil else { return }
        if path.contains(name) { return }  // the one that closes the circle finds it missing
        for needed in library.manifest.requires.keys.sorted() {
            if let other = plugins[.library]?[needed] { resolve(other, into: &resolved, path: path + [name]) }
        }
        resolved[name] = linked(library, to: resolved)
    }

    private mutating func linked(_ plugin: Plugin, to libraries: [String: Plugin]) -> Plugin? {
        var plugin = plugin
        for (name, requirement) in plugin.manifest.requires.sorted(by: { $0.key < $1.key }) {
            let fault: String
            if let library = libraries[name] {
                if requirement.accepts(library.manifest.version) {
                    plugin.libraries[name] = library
                    continue
                }
                fault = "requires the library \(name) \(requirement), but \(library.manifest.version) is there"
            } else {
                let guess = Suggestion.question(for: name, among: libraries.keys)
                fault = "requires the library \(name), which is not there or requires this one\(guess)"
            }
            problems.append(PluginProblem(file: plugin.location, reason: fault))
            return nil
        }
        if !plugin.libraries.isEmpty { plugin.updateHash() }
        return plugin
    }
}

extension PluginCatalog {
    /// The catalog without the plugins that fail when they are loaded (an error or an endless loop outside of any
    /// function, a missing function), which are problems then. This runs each plugin once, within its limits and
    /// without a workspace.
    public func checked() async -> PluginCatalog {
        var result = self
        for kind in PluginManifest.Kind.allCases {
            for plugin in plugins(kind: kind) {
                do throws(PluginError) { _ = try await PluginInstance(plugin, host: HostServices(), seed: 0) } catch {
                    result.plugins[kind]?[plugin.manifest.name] = nil
                    let file = error.file.map {
                        plugin.mainFile == "main.lua" ? plugin.location + "/" + $0 : plugin.location
                    }
                    result.problems.append(
                        PluginProblem(file: file ?? plugin.location, line: error.line, reason: error.message))
                }
            }
        }
        return result
    }
}
