import ArgumentParser
import Authoring
import JSON
import Plugins

struct CallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call", abstract: "Calls a plugin once, in a real workspace of its own.",
        discussion: """
            Prints what the plugin asked of the host, then its result. Exit status 1 when it gave an error, or a result that says \
            failed.
            """)

    @OptionGroup var plugin: OnePlugin

    @Argument(help: "Arguments as JSON: an object for a tool; a list for functions that take several.")
    var arguments = "{}"

    @Option(help: "The function to call (default: that of the plugin's kind, such as run).")
    var function: String?

    @Option(help: ArgumentHelp("Copy what is in this directory into the workspace first.", valueName: "dir"))
    var ws: String?

    @Option(help: ArgumentHelp("Copy what the call made and changed into this new directory.", valueName: "dir"))
    var keep: String?

    @Option(help: ArgumentHelp("Settings of the plugin.", valueName: "json"))
    var config: String?

    @Option(help: "Seed of the plugin's random numbers.")
    var seed: UInt64 = 1

    @Flag(help: "Print one JSON object with the host calls and the result.")
    var json = false

    func run() async throws {
        let plugin = try plugin.find()
        let value = try Self.parse(arguments, "the arguments")
        let outcome: PluginCall.Outcome
        do {
            var call = try PluginCall(plugin, function: function, arguments: value.array ?? [value])
            if let config { call.config = try Self.parse(config, "--config") }
            call.source = ws
            call.keep = keep
            call.seed = seed
            outcome = try await call.run()
        } catch let error as AuthoringError {
            throw fail(error.message)
        }
        for line in outcome.leftOut { warn(line) }
        print(json ? CallReport(outcome).json.compact : CallReport(outcome).text)
        if CallReport(outcome).isFailure { throw ExitCode(1) }
    }

    private static func parse(_ text: String, _ what: String) throws -> JSONValue {
        do { return try JSONValue(parsing: text) } catch { throw fail("\(what): \"\(text)\" is no JSON: \(error)") }
    }
}
