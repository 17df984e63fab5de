import ArgumentParser

struct PluginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin", abstract: "Shows, tests and makes plugins.",
        subcommands: [
            NewCommand.self, ListCommand.self, InspectCommand.self, LintCommand.self, TestCommand.self,
            CallCommand.self,
            AuditCommand.self, WatchCommand.self, DocCommand.self, StubsCommand.self, LockCommand.self,
        ])
}
