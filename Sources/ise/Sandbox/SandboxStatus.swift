import Workspaces

/// Exit statuses of `ise sandbox`: those of a shell and of timeout(1).
enum SandboxStatus {
    static let ownFailure: CInt = 125

    static func of(_ result: ExecResult) -> CInt {
        switch result.endedBy {
        case .timeout, .silence: 124
        default: result.exitCode.map { CInt($0) } ?? 128 + CInt(result.signal ?? 0)
        }
    }

    static func of(_ error: WorkspaceError) -> CInt {
        switch error.code {
        case .commandNotFound: 127
        case .notExecutable: 126
        default: ownFailure
        }
    }
}
