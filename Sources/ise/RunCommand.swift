import ArgumentParser
import Dialogue
import Glibc
import MCP
import Runs
import Synchronization
import Workspaces

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Makes trajectories.",
        discussion: """
            Without a model it draws intents from the shipped domains and plays them with the scripted agent and user. Progress \
            goes to standard error, the summary to standard output. Exit status 1 when the run could not start or the machine or \
            a server let a trajectory down.
            """)

    @Option(help: "Intents to draw; with --intents, how many of the file to use (default: 10, or the whole file).")
    var count: Int?

    @Option(help: "Seed. Equal seeds give equal intents and, with the scripted agent and user, equal dialogues.")
    var seed: UInt64 = 1

    @Option(help: "Trajectories at once (default: the number of processors).")
    var jobs: Int?

    @Option(help: ArgumentHelp("New or empty directory for the run (default: runs/DATE).", valueName: "dir"))
    var out: String?

    @Option(
        help: ArgumentHelp("Start no trajectory while there is less free space (default: 256MiB).", valueName: "size"))
    var minFree: String?

    @Option(help: ArgumentHelp("Intents to use, one JSON object a line.", valueName: "file"))
    var intents: String?

    @Option(help: "Agent plugin: scripted or llm, or one of yours.")
    var agent = "scripted"

    @Option(help: "User simulator plugin: scripted or llm, or one of yours.")
    var simulator = "scripted"

    @Option(help: "User turns after which a dialogue is ended.")
    var maxTurns = DialogueLimits().userTurns

    @Option(
        name: .customLong("mcp-server"),
        help: ArgumentHelp(
            "A server of the Model Context Protocol (stdio), whose tools the agent gets too. It runs inside each workspace: its files "
                + "must be there (--bind). May be given several times.", valueName: "[name=]command"))
    var mcpServers: [String] = []

    @Option(help: ArgumentHelp("How long a call of such a server's tool may take.", valueName: "seconds"))
    var mcpTimeout = 120

    @Flag(help: "Print the summary as one JSON object, the table to standard error.")
    var json = false

    @OptionGroup var models: ModelOptions
    @OptionGroup var tools: ToolOptions
    @OptionGroup(
        title: "Policy of the workspaces (an option wins over the file)")
    var policy: PolicyOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var skills: SkillOptions

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count must be at least 1") }
        if let jobs, jobs < 1 { throw ValidationError("--jobs must be at least 1") }
        if mcpTimeout < 1 { throw ValidationError("--mcp-timeout must be at least 1") }
        for server in mcpServers where ForeignServer(option: server) == nil {
            throw ValidationError("--mcp-server \(server): expected a command, or NAME=COMMAND")
        }
        if let minFree, PolicyFile.size(minFree) == nil {
            throw ValidationError("--min-free \(minFree): expected a size such as 64MiB")
        }
        if maxTurns < 1 { throw ValidationError("--max-turns must be at least 1") }
    }

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)  // a reader that goes away must not end the run
        let configuration = try makeConfiguration()
        let catalog = try await plugins.catalog(in: configuration.pluginDirectories)
        let run = Run(configuration, catalog: catalog)
        let work = Task { try await run.execute(note: warn) }
        let interrupt = InterruptNote()
        Interrupts.watch { number in
            interrupt.set(number)
            warn("ending: running trajectories are closed; once more to stop at once")
            work.cancel()
        }
        let summary: RunSummary
        do {
            summary = try await work.value
        } catch {
            throw interrupt.number.map { ExitCode(128 + $0) } ?? fail("\(error)")
        }
        show(summary)
        if let number = interrupt.number { throw ExitCode(128 + number) }
        if summary.results.contains(where: { $0.outcome == .infrastructure }) { throw ExitCode(1) }
    }

    private func makeConfiguration() throws -> RunConfiguration {
        let source = intents.map { RunConfiguration.Source.file($0, limit: count) } ?? .generated(count: count ?? 10)
        var configuration = RunConfiguration(
            source: source, seed: seed, out: out ?? RunDirectory.dated("runs/"), pluginDirectories: try plugins.find())
        if let jobs { configuration.jobs = jobs }
        if let bytes = minFree.flatMap(PolicyFile.size) { configuration.minimumFree = bytes }
        configuration.agent = agent
        configuration.simulator = simulator
        configuration.limits.userTurns = maxTurns
        configuration.tools = tools.names
        configuration.toolSettings = tools.settings
        do { configuration.policy = try policy.effective() } catch { throw fail(error.message) }
        configuration.agentModel = models.agent
        configuration.agentConfig = models.agentConfig
        configuration.simulatorConfig = models.simulatorConfig
        configuration.simulatorModel = models.simulator
        configuration.skills = try skills.find(below: configuration.pluginDirectories)
        configuration.toolSources = mcpServers.compactMap { option in
            var server = ForeignServer(option: option)
            server?.callTimeout = .seconds(mcpTimeout)
            return server
        }
        return configuration
    }

    private func show(_ summary: RunSummary) {
        if json {
            printError(summary.table + "\n")
            print(summary.json.compact)
        } else {
            print(summary.table)
        }
    }
}

/// The number of the signal that asked for the end.
private final class InterruptNote: Sendable {
    private let state = Mutex<CInt?>(nil)
    var number: CInt? { state.withLock { $0 } }
    func set(_ number: CInt) { state.withLock { $0 = number } }
}
