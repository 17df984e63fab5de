import ArgumentParser
import Authoring
import JSON
import Workspaces

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Compares what plugins may do with what their specs make them do.",
        discussion: """
            Runs the specs of tools in real workspaces and prints the declared permissions beside what was seen, and the smallest \
            ones that would do. It knows no more than the specs show. Exit status 1 when a spec fails.
            """)

    @OptionGroup var choice: PluginChoice

    @Flag(help: "Print one JSON object a plugin.")
    var json = false

    func run() async throws {
        let (plugins, problems) = try choice.find()
        for problem in problems { warn("plugin left out: \(problem)") }
        let host = try await startWorkspaces(orElse: "an audit runs the specs in real workspaces")
        var failed = false
        do {
            for plugin in plugins {
                let audit = try await Audit.run(plugin, host: host)
                print(json ? audit.json.compact : audit.text)
                failed = failed || audit.results.contains { $0.failure != nil }
            }
        } catch {
            await host.shutdown()
            throw fail("\(error)")
        }
        await host.shutdown()
        if failed { throw ExitCode(1) }
    }
}

/// - Throws: the end of the command, with what this machine lacks.
func startWorkspaces(orElse advice: String) async throws -> WorkspaceHost {
    do { return try await WorkspaceHost.start() } catch { throw fail("\(error.message); \(advice)") }
}
