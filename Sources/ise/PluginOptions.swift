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
        let catalog = await PluginCatalog.load(from: directories).checked()
        for problem in catalog.problems { warn("plugin left out: \(problem)") }
        return catalog
    }
}
