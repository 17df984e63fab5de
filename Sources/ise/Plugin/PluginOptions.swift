import ArgumentParser
import JSON
import Plugins
import Runs

/// Where plugins come from; the same for all commands.
struct PluginPlaces: ParsableArguments {
    @Option(
        name: .customLong("plugins"),
        help: ArgumentHelp(
            "A directory with plugins, beside the shipped ones; the first plugin of a name counts. May be given several times.",
            valueName: "dir"))
    var directories: [String] = []

    func find() throws -> [String] {
        do {
            return try PluginDirectories.find(given: directories)
        } catch {
            throw fail(error.message)
        }
    }
}

/// For commands that run plugins as a run does: which are taken, where they run, and what they may do.
struct PluginOptions: ParsableArguments {
    @OptionGroup var places: PluginPlaces

    @Option(
        name: .customLong("plugin-policy"),
        help: ArgumentHelp(
            "What plugins are granted at most, as JSON: {\"plugins\": {\"*\" or NAME: {\"exec\": […], \"fs\": […], \"network\": […], \"env\": […], \"model\": …, \"state_kb\": …, \"writes\": …, \"limits\": {…}}}}. A plugin may do what its manifest and the policy both allow.",
            valueName: "file"))
    var policy: String?

    @Option(
        help: ArgumentHelp(
            "Run this plugin within ISE's own process, as the shipped ones are; others run in a process and workspace of their own. May be given several times.",
            valueName: "name"))
    var trust: [String] = []

    @Option(
        help: ArgumentHelp(
            "A file of `ise plugin lock`: nothing that it does not have is loaded (default: plugins.lock.json beside a directory of plugins, for that directory, when it is there).",
            valueName: "file"))
    var lock: String?

    func find() throws -> [String] { try places.find() }

    /// Reads and loads the plugins; broken ones are left out and reported.
    func catalog(in directories: [String]) async throws -> PluginCatalog {
        guard !directories.isEmpty else {
            throw fail(
                "no plugins found: there is no directory `plugins` beside the executable or here; name one with --plugins or in ISE_PLUGINS"
            )
        }
        var setup = PluginSetup(directories, trusting: PluginDirectories.trust(trust))
        if let lock {
            let isThere: Bool
            do throws(PluginError) { isThere = try PluginLock.read(lock) != nil } catch { throw fail(error.message) }
            guard isThere else { throw fail("there is no lock \(lock); `ise plugin lock --lock \(lock)` makes it") }
        }
        setup.lock = lock
        let found = try granted(PluginCatalog.load(setup))
        let names = Set(found.all.map(\.manifest.name))
        for name in trust where !names.contains(name) {
            let guess = Suggestion.question(for: name, among: names)
            throw fail("there is no plugin \"\(name)\" to --trust\(guess)")
        }
        let catalog = await found.checked()
        for problem in catalog.problems { warn("plugin left out: \(problem)") }
        return catalog
    }

    private func granted(_ catalog: PluginCatalog) throws -> PluginCatalog {
        guard let policy else { return catalog }
        do {
            return try catalog.granted(by: PluginPolicy.read(policy))
        } catch {
            throw fail(error.message)
        }
    }
}
