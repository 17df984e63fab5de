import ArgumentParser
import Dialogue
import Glibc
import MCP
import Plugins
import Runs
import Trace
import Workspaces

struct MCPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp", abstract: "Serves the tools over the Model Context Protocol, in a workspace of their own.",
        discussion: """
            The client talks on standard input and output; what ISE has to say stands on standard error. All calls of a session \
            act in one workspace, which is gone afterwards but for what --keep copies out. Every call, and every command that it \
            runs, is recorded in a trace, which `ise trace show` and `ise trace verify` read.

            The session ends when the client closes standard input, or by SIGTERM, SIGINT or SIGHUP.
            """)

    @OptionGroup(title: "Policy (an option wins over the file)") var options: PolicyOptions

    @Option(help: ArgumentHelp("Copy what is in this directory into the home first.", valueName: "dir"))
    var workdirFrom: String?

    @Option(help: ArgumentHelp("Copy the files that were made and changed into this new directory.", valueName: "dir"))
    var keep: String?

    @Option(help: ArgumentHelp("New or empty directory for the trace (default: runs/mcp-DATE).", valueName: "dir"))
    var out: String?

    @Option(help: "Seed of what plugins draw.")
    var seed: UInt64 = 1

    @OptionGroup var toolOptions: ToolOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var skills: SkillOptions

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let policy: PolicyFile
        do { policy = try options.effective() } catch { throw fail(error.message) }
        let directories = try plugins.find()
        let catalog = try await plugins.catalog(in: directories)
        let loaded = catalog.plugins(kind: .tool)
        guard !loaded.isEmpty else {
            throw fail("no tool plugin is loaded; add a directory that has tools/ with --plugins")
        }
        let (tools, resources): ([Plugin], ToolResources)
        do {
            tools = try ToolChoice.tools(toolOptions.names, of: loaded)
            resources = try toolOptions.settings.resources(for: tools, environment: RunConfiguration.processEnvironment)
        } catch { throw fail("\(error)") }
        let session = MCPSession(
            policy: policy, tools: tools, resources: resources, skills: try skills.find(below: directories),
            workdir: workdirFrom, keep: keep,
            out: out ?? RunDirectory.dated("runs/mcp-"), seed: seed)
        do { try await session.serve() } catch { throw fail("\(error)") }
    }
}
