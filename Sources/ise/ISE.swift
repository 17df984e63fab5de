import ArgumentParser
import Basics
import Glibc
import Runs
import Trace

@main struct ISE: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ise",
        abstract: "Turns intents into multi-turn trajectories of agents whose every tool call is really run.",
        discussion: """
            Exit status: 0 when the command did what it was asked for; 1 when it could not, or found something wrong; 64 for a \
            wrong command line; 128 + n when it was ended by signal n (130 for Ctrl-C).
            """,
        version: iseVersion,
        subcommands: [
            RunCommand.self, IntentsCommand.self, TraceCommand.self, PluginCommand.self, SkillCommand.self,
            SandboxCommand.self, MCPCommand.self, DoctorCommand.self,
        ])
}

/// Ends the command with a message on standard error and status 1.
func fail(_ message: String) -> ExitCode {
    printError("ise: \(message.visible)\n")
    return ExitCode(1)
}

func warn(_ message: String) { printError("ise: \(message.visible)\n") }
