import ArgumentParser

struct PluginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin", abstract: "Shows, tests and makes plugins.",
        subcommands: [ListCommand.self, TestCommand.self])
}
