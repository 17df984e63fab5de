import ArgumentParser
import Authoring
import Basics
import Plugins

/// The plugins that a command is to work on.
struct PluginChoice: ParsableArguments {
    @Argument(
        help: "Plugins by name (exec, tool/exec), folder or file, or a whole directory of plugins (default: all).")
    var names: [String] = []

    @OptionGroup var plugins: PluginPlaces

    /// Those that can be read, and why others cannot; what was named and cannot be read ends the command.
    func find() throws -> (plugins: [Plugin], problems: [PluginProblem]) {
        let finder = PluginFinder(directories: try plugins.find())
        do {
            return names.isEmpty ? finder.all : try finder.find(names)
        } catch {
            throw fail(error.message)
        }
    }
}

/// One plugin.
struct OnePlugin: ParsableArguments {
    @Argument(help: "A plugin by name (exec, tool/exec), folder or file.")
    var name: String

    @OptionGroup var plugins: PluginPlaces

    func find() throws -> Plugin {
        do {
            let found = try PluginFinder(directories: plugins.find()).find(name).plugins
            guard found.count == 1 else {
                throw AuthoringError("\(name) is \(counted(found.count, "plugin")); name one of them")
            }
            return found[0]
        } catch let error as AuthoringError {
            throw fail(error.message)
        }
    }
}
