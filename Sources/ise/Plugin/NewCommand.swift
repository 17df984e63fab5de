import ArgumentParser
import Authoring
import Plugins

struct NewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Makes a new plugin that works, with a spec.",
        discussion: "The kinds: tool, persona, domain, simulator, agent, guard, checker, library.")

    @Argument(help: "The kind, such as tool.")
    var kind: String

    @Argument(help: "Its name: small letters, digits, \"_\" and \"-\".")
    var name: String

    @Option(name: .customLong("in"), help: ArgumentHelp("The directory of plugins to put it in.", valueName: "dir"))
    var directory = "plugins"

    func run() async throws {
        let kind = try ListCommand.kind(kind)
        do {
            let scaffold = try Scaffold(kind: kind, name: name)
            let folder = try scaffold.write(in: directory)
            for file in scaffold.files { print("\(folder)/\(file.path)") }
            let others = directory == "plugins" ? "" : " --plugins \(directory)"
            print("\nTest it:  ise plugin test \(folder)\nUse it:   ise plugin list \(kind.rawValue)\(others)")
        } catch {
            throw fail(error.message)
        }
    }
}
