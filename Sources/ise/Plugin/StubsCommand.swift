import ArgumentParser
import Authoring
import Plugins

struct StubsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stubs", abstract: "Writes types of the host functions and of your tools, for editors.",
        discussion: """
            Makes `.host/host.d.lua` (every host function), `.host/test.d.lua` (the module of specs), `.host/NAME.d.lua` \
            (NAME.Args and NAME.Result of each tool), `.luarc.json` for the Lua language server and `.luacheckrc` for luacheck.
            """)

    @OptionGroup var choice: PluginChoice

    @Option(help: ArgumentHelp("Where to put them; the directory that your editor opens.", valueName: "dir"))
    var out = "."

    func run() async throws {
        let (plugins, _) = try choice.find()
        for file in Stubs.files(for: plugins) {
            let path = "\(out)/\(file.name)"
            do { try AuthoredFile.write(path, file.text) } catch { throw fail("\(error)") }
            print(path)
        }
    }
}
