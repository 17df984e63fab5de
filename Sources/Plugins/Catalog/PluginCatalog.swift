import JSON

/// The plugins below some directories, each with the folders `tools/`, `personas/` and so on.
public struct PluginCatalog: Sendable {
    /// What could not be used, in the order it was found.
    public internal(set) var problems: [PluginProblem] = []
    public let setup: PluginSetup
    var plugins: [PluginManifest.Kind: [String: Plugin]] = [:]
    /// What was read, and how the files looked then.
    var readings: [String: PluginReading] = [:]
    /// Of plugins that have been loaded on trial, by hash; nil: it was all right.
    var verdicts: [String: PluginProblem?] = [:]

    /// Reads every plugin without running any. A broken one is listed in `problems` and hurts nobody else.
    public static func load(_ setup: PluginSetup) -> PluginCatalog {
        var catalog = PluginCatalog(setup: setup)
        catalog.readAll()
        return catalog
    }

    public static func load(from directories: [String], trusting trust: PluginTrust = .all) -> PluginCatalog {
        load(PluginSetup(directories, trusting: trust))
    }

    init(setup: PluginSetup) { self.setup = setup }

    /// Ends the worker processes of the plugins that run in some.
    public func shutdown() async { await setup.trust.workers?.shutdown() }

    // MARK: Asking

    /// Sorted by name.
    public func plugins(kind: PluginManifest.Kind) -> [Plugin] {
        (plugins[kind] ?? [:]).values.sorted { $0.manifest.name < $1.manifest.name }
    }

    /// Of all kinds, by kind and name.
    public var all: [Plugin] { PluginManifest.Kind.allCases.flatMap { plugins(kind: $0) } }

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
        let places = setup.directories.joined(separator: ", ")
        let known = names.isEmpty ? "there are none in \(places)" : names.joined(separator: ", ")
        throw PluginError(
            code: "unknown_plugin",
            message: "there is no \(kind.rawValue) named \"\(name)\"\(Suggestion.question(for: name, among: names)) "
                + "(known: \(known))")
    }

    /// The plugin as the catalog has it, which may have another hash; nil when it is not there or broken.
    public func current(_ plugin: Plugin) -> Plugin? { plugins[plugin.manifest.kind]?[plugin.manifest.name] }

    // MARK: Policy

    /// The same plugins, each granted what the policy says. Throws `invalid_policy` for a name that no plugin has.
    public func granted(by policy: PluginPolicy) throws(PluginError) -> PluginCatalog {
        let faults = policy.problems(among: all.map(\.manifest))
        guard faults.isEmpty else { throw PluginError(code: "invalid_policy", message: faults.joined(separator: "; ")) }
        var setup = setup
        setup.policy = policy
        var result = PluginCatalog(setup: setup)
        result.readings = readings
        result.readAll()
        return result
    }
}

// MARK: - Loading on trial

extension PluginCatalog {
    /// The catalog without the plugins that fail when they are loaded (an error or an endless loop outside of any
    /// function, a missing function), which are problems then. This runs each plugin once, within its limits and
    /// without a workspace; what this catalog, or the one that it follows, has tried already is not tried again.
    public func checked() async -> PluginCatalog {
        var result = self
        for plugin in all {
            let verdict: PluginProblem?
            if let known = result.verdicts[plugin.hash] {
                verdict = known
            } else {
                verdict = await Self.fault(of: plugin)
            }
            result.verdicts[plugin.hash] = .some(verdict)
            guard let verdict else { continue }
            result.plugins[plugin.manifest.kind]?[plugin.manifest.name] = nil
            result.problems.append(verdict)
        }
        return result
    }

    private static func fault(of plugin: Plugin) async -> PluginProblem? {
        do throws(PluginError) {
            let instance = try await PluginInstance(plugin, host: HostServices(), seed: 0)
            if case .worker = plugin.engine { try await instance.checkSyntax() }
            return nil
        } catch {
            let file = error.file.map { plugin.mainFile == "main.lua" ? plugin.location + "/" + $0 : plugin.location }
            return PluginProblem(file: file ?? plugin.location, line: error.line, reason: error.message)
        }
    }

    /// The catalog as the files are now. What has not changed is neither read nor tried again; when nothing has, it is
    /// this very catalog.
    public func reloaded() async -> PluginCatalog {
        guard hasChanged else { return self }
        var next = PluginCatalog(setup: setup)
        next.readings = readings
        next.verdicts = verdicts
        next.readAll()
        return await next.checked()
    }
}
