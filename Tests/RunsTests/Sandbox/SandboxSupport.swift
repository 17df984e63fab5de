import JSON
import TestSupport

/// `ise sandbox` with these arguments, without a shell.
func sandbox(_ arguments: String..., environment: [String: String] = [:]) async throws -> ISEProcess.Ending {
    try await ISEProcess(["sandbox"] + arguments, environment: environment).ending()
}

/// A shell script of the host in which `$ISE` is the built program: for pipes and files.
func hostScript(_ script: String, environment: [String: String] = [:]) async throws -> ISEProcess.Ending {
    let variables = environment.merging(["ISE": ISEProcess.executable]) { $1 }
    return try await ISEProcess(["-c", script], environment: variables, program: "/bin/sh").ending()
}
