import ArgumentParser
import Glibc
import JSON
import Workspaces

struct SandboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox", abstract: "Runs a command in a workspace of its own.",
        usage: "ise sandbox [<options>] -- <command> [<argument> ...]\nise sandbox [<options>] --shell",
        discussion: """
            Standard input, output and error are passed on as they come; when input and output are terminals, the command gets \
            one, and no time limit unless you give one. It sees nothing of this machine but its system directories, read-only, \
            and starts in an empty home; all it writes is gone afterwards but for what --keep copies out.

            Exit status: the command's; 128 + n when signal n ended it; 124 when it took too long or was silent for too long; 125 \
            when ISE itself could not do it, for which standard error has the reason; 126 when the command cannot be executed, 127 \
            when it is not there; 64 for a wrong command line.

            SIGINT, SIGTERM, SIGHUP and SIGQUIT go to all that the command has started; a second one kills it.
            """)

    @OptionGroup(title: "Policy (an option wins over the file)") var options: PolicyOptions

    @Option(help: ArgumentHelp("Copy what is in this directory into the home first.", valueName: "dir"))
    var workdirFrom: String?

    @Option(help: ArgumentHelp("A variable of the command's environment.", valueName: "name=value"))
    var env: [String] = []

    @Option(help: ArgumentHelp("Where it starts (default: the home).", valueName: "path"))
    var directory = Workspace.home

    @Option(help: ArgumentHelp("Copy the files that it made and changed into this new directory.", valueName: "dir"))
    var keep: String?

    @Option(help: ArgumentHelp("Most bytes that --keep copies (default: 1GiB).", valueName: "size"))
    var keepBytes: String?

    @Flag(help: "Run an interactive shell.")
    var shell = false

    @Flag(help: "Print one JSON object with the result, the output in it, instead of the output.")
    var json = false

    @Flag(help: "Print the policy that all options make, as a policy file, and run nothing.")
    var printPolicy = false

    @Flag(help: "Print the JSON Schema of policy files, and run nothing.")
    var policySchema = false

    @Argument(parsing: .postTerminator, help: "The command and its arguments.")
    var command: [String] = []

    func validate() throws {
        guard !printPolicy, !policySchema else { return }
        if shell, !command.isEmpty { throw ValidationError("--shell and a command exclude each other") }
        if !shell, command.isEmpty { throw ValidationError("there is no command: give one after --, or --shell") }
        if shell, json { throw ValidationError("--shell and --json exclude each other") }
        for variable in env where variable.first == "=" || !variable.contains("=") {
            throw ValidationError("--env \(variable): expected NAME=VALUE")
        }
        _ = try keepLimits()
    }

    func run() async throws {
        if policySchema { return print(PolicyFile.schema.pretty) }
        let work: SandboxWork
        do throws(WorkspaceError) {
            let policy = try options.effective()
            if printPolicy {
                warn("the policy's digest is \(policy.digest)")
                return print(policy.json.pretty)
            }
            work = try makeWork(policy)
        } catch {
            throw ownFailure(error)
        }
        let status = await SandboxRun(work).status()
        throw ExitCode(status)
    }

    /// An error before anything was run.
    private func ownFailure(_ error: WorkspaceError) -> ExitCode {
        SandboxReport.fail(error, json: json)
        return ExitCode(SandboxStatus.ownFailure)
    }

    private func makeWork(_ policy: PolicyFile) throws(WorkspaceError) -> SandboxWork {
        var work = SandboxWork(policy: policy, request: ExecRequest(argv: Self.shellCommand))
        if !shell { work.request.argv = Self.lastArguments(command.count) }
        work.request.directory = directory
        for variable in env {
            let name = variable.prefix { $0 != "=" }
            work.request.environment[String(name)] = String(variable.dropFirst(name.count + 1))
        }
        work.workdir = workdirFrom
        work.keep = keep
        work.keepLimits = (try? keepLimits()) ?? KeepLimits()
        work.asJSON = json
        work.hasOwnTimeout = options.timeout != nil || policy.exec != PolicyFile().exec
        return work
    }

    private func keepLimits() throws -> KeepLimits {
        var limits = KeepLimits()
        if let keepBytes {
            guard let bytes = PolicyFile.size(keepBytes) else {
                throw ValidationError("--keep-bytes \(keepBytes): expected a size such as 64MiB")
            }
            limits.bytes = bytes
        }
        return limits
    }

    /// bash, or what else a small system has.
    private static let shellCommand = ["/bin/sh", "-c", "if command -v bash > /dev/null; then exec bash; fi; exec sh"]

    /// The command as bytes: it is all that follows the `--`, and an argument need not be UTF-8.
    private static func lastArguments(_ count: Int) -> [[UInt8]] {
        let all = (0..<Int(CommandLine.argc)).compactMap { CommandLine.unsafeArgv[$0] }
        return all.suffix(count).map { argument in
            Array(UnsafeRawBufferPointer(start: argument, count: strlen(argument)))
        }
    }
}
