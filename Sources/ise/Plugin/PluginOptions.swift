import ArgumentParser
import Plugins
import Runs

/// Where plugins come from; the same for all commands.
struct PluginOptions: ParsableArguments {
    @Option(
        name: .customLong("plugins"),
        help: ArgumentHelp(
            "A directory with plugins, beside the shipped ones; the first plugin of a name counts. May be given several times.",
            valueName: "dir"))
    var directories: [String] = []

    @Option(
        name: .customLong("plugin-policy"),
        help: ArgumentHelp(
            "What plugins are granted at most, as JSON: {\"plugins\": {\"*\" or NAME: {\"exec\": […], \"fs\": […], \"network\": […], \"env\": […], \"model\": …, \"state_kb\": …, \"writes\": …, \"limits\": {…}}}}. A plugin may do what its manifest and the policy both allow.",
            valueName: "file"))
    var policy: String?

    func find() throws -> [String] {
        do {
            return try PluginDirectories.find(given: directories)
        } catch {
            throw fail(error.message)
        }
    }

    /// Reads and loads the plugins; broken ones are left out and reported.
    func catalog(in directories: [String]) async throws -> PluginCatalog {
        guard !directories.isEmpty else {
            throw fail(
                "no plugins found: there is no directory `plugins` beside the executable or here; name one with --plugins or in ISE_PLUGINS"
            )
        }
        let catalog = try await granted(PluginCatalog.load(from: directories)).checked()
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
