import JSON

extension PluginCatalog {
    /// Something below a directory that may be a plugin.
    private struct Candidate {
        var path: String
        var name: String
        var kind: PluginManifest.Kind
        var isFolder: Bool
        var isShipped: Bool
        /// Of the directory that it was found in.
        var directory: String
    }

    mutating func readAll() {
        let known = readings
        readings = [:]
        var found: [String: String] = [:]
        for directory in setup.directories {
            for candidate in candidates(in: directory) {
                let reading = reading(of: candidate, known: known[candidate.path])
                readings[candidate.path] = reading
                switch reading.result {
                case .success(let plugin):
                    if add(plugin) { found[plugin.title] = candidate.directory }
                case .failure(let problem): problems.append(problem)
                }
            }
        }
        resolveLibraries()
        for plugin in all {
            let key = (plugin.manifest.kind, plugin.manifest.name)
            plugins[key.0]?[key.1]?.engine = setup.trust.engine(of: plugin)
            plugins[key.0]?[key.1]?.ceiling = setup.policy.ceiling(for: plugin.manifest)
        }
        if !setup.ignoresLocks { applyLocks(found) }
    }

    /// Whether a file has been written, added or taken away since it was read.
    var hasChanged: Bool {
        var copy = PluginCatalog(setup: setup)
        let candidates = setup.directories.flatMap { copy.candidates(in: $0) }
        guard candidates.count == readings.count else { return true }
        return candidates.contains { readings[$0.path]?.signature != PluginSignature(of: $0.path) }
    }

    private mutating func candidates(in directory: String) -> [Candidate] {
        guard PluginFiles.kind(of: directory + "/.") == .folder else {
            problems.append(PluginProblem(file: directory, reason: "there is no such directory of plugins"))
            return []
        }
        let isShipped = setup.trust.covers(directory)
        var candidates: [Candidate] = []
        for kind in PluginManifest.Kind.allCases {
            let folder = directory + "/" + kind.folder
            guard PluginFiles.kind(of: folder + "/.") == .folder else { continue }
            do throws(PluginFiles.Failure) {
                for entry in try PluginFiles.entries(of: folder) {
                    let path = folder + "/" + entry.name
                    let isFile =
                        entry.kind == .file && entry.name.hasSuffix(".lua") && !entry.name.hasSuffix("_spec.lua")
                    let name = isFile ? String(entry.name.dropLast(4)) : entry.name
                    if entry.kind == .folder || isFile {
                        candidates.append(
                            Candidate(
                                path: path, name: name, kind: kind, isFolder: !isFile, isShipped: isShipped,
                                directory: directory))
                    } else if entry.kind == .other, name.hasSuffix(".lua") || !name.contains(".") {
                        let reason = "it is a link or a special file, which are not followed"
                        problems.append(PluginProblem(file: path, reason: reason))
                    }
                }
            } catch {
                problems.append(PluginProblem(file: folder, reason: error.reason))
            }
        }
        return candidates
    }

    /// The signature is taken first: whatever is written after it will show the next time.
    private func reading(of candidate: Candidate, known: PluginReading?) -> PluginReading {
        let signature = PluginSignature(of: candidate.path)
        if let known, known.signature == signature { return known }
        // What is not trusted is parsed by its worker, in `checked`.
        let parses = setup.trust.isTotal || candidate.isShipped || setup.trust.names.contains(candidate.name)
        let (path, name, kind) = (candidate.path, candidate.name, candidate.kind)
        let result = Result { () throws(PluginProblem) -> Plugin in
            var plugin =
                candidate.isFolder
                ? try PluginReader.readFolder(path, name: name, kind: kind, parses: parses)
                : try PluginReader.readFile(path, name: name, kind: kind, parses: parses)
            plugin.isShipped = candidate.isShipped
            return plugin
        }
        return PluginReading(signature: signature, result: result)
    }

    /// False when another one of the name is there.
    private mutating func add(_ plugin: Plugin) -> Bool {
        let (kind, name) = (plugin.manifest.kind, plugin.manifest.name)
        guard let first = plugins[kind]?[name] else {
            plugins[kind, default: [:]][name] = plugin
            return true
        }
        // The same plugin again, such as from the repository that one stands in, is no loss.
        if first.hash != plugin.hash {
            problems.append(
                PluginProblem(
                    file: plugin.location, reason: "the \(plugin.title) is there already, from \(first.location)"))
        }
        return false
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

    // MARK: Locks

    /// Takes away what the locks do not have. A lock that cannot be read has nothing.
    private mutating func applyLocks(_ directories: [String: String]) {
        var locks: [String: Result<PluginLock?, PluginError>] = [:]
        for plugin in all {
            let file = setup.lock ?? PluginLock.place(beside: directories[plugin.title] ?? "")
            let lock = locks[file] ?? Result { () throws(PluginError) in try PluginLock.read(file) }
            if locks[file] == nil, setup.lock != nil, case .success(nil) = lock {
                problems.append(PluginProblem(file: file, reason: "there is no such lock; `ise plugin lock` makes it"))
            }
            locks[file] = lock
            let fault: String?
            switch lock {
            case .success(let lock?): fault = lock.fault(of: plugin, file: file)
            case .success(nil): fault = setup.lock == nil ? nil : "there is no lock \(file)"
            case .failure(let error): fault = error.message
            }
            guard let fault else { continue }
            plugins[plugin.manifest.kind]?[plugin.manifest.name] = nil
            problems.append(PluginProblem(file: plugin.location, reason: fault))
        }
    }
}
