import ArgumentParser
import Authoring
import Basics
import JSON
import Plugins

struct DocCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doc", abstract: "Documents plugins and the host functions that they may call.",
        discussion:
            "Without a name: all plugins and the host functions. All of it is generated from manifests and the host's own table."
    )

    @OptionGroup var choice: PluginChoice

    @Flag(help: "Print Markdown (default).")
    var markdown = false

    @Flag(help: "Print JSON: the tools as models and MCP clients get them, and the host functions.")
    var json = false

    @Option(help: ArgumentHelp("Write a site of static pages into this directory instead.", valueName: "dir"))
    var site: String?

    func run() async throws {
        let (plugins, problems) = try choice.find()
        for problem in problems { warn("plugin left out: \(problem)") }
        if let site {
            do {
                for file in Site(plugins).files { try AuthoredFile.write("\(site)/\(file.name)", file.text) }
            } catch {
                throw fail("\(error)")
            }
            return print(
                "\(site)/index.html: \(counted(plugins.count, "plugin")), \(HostReference.functions.count) host functions"
            )
        }
        let document = Document(plugins, withHost: choice.names.isEmpty)
        print(json ? document.json.pretty : document.markdown)
    }
}
