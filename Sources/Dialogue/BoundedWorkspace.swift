import Plugins
import Workspaces

/// A workspace that puts bounds of its own on every command, whoever asks for it.
struct BoundedWorkspace: WorkspaceAccess {
    let workspace: any WorkspaceAccess
    let bound: @Sendable (inout ExecRequest) -> Void

    func exec(_ command: ExecRequest) async throws(WorkspaceError) -> ExecResult {
        try await workspace.exec(bounded(command))
    }

    func exec(_ command: ExecRequest, patience: Duration) async throws(WorkspaceError) -> PatientOutcome {
        try await workspace.exec(bounded(command), patience: patience)
    }

    func startJob(_ command: ExecRequest) async throws(WorkspaceError) -> any JobAccess {
        try await workspace.startJob(bounded(command))
    }

    private func bounded(_ command: ExecRequest) -> ExecRequest {
        var command = command
        bound(&command)
        return command
    }

    func read(_ path: String, offset: Int, limit: Int) async throws(WorkspaceError) -> [UInt8] {
        try await workspace.read(path, offset: offset, limit: limit)
    }

    func write(
        _ path: String, _ bytes: [UInt8], mode: UInt16, append: Bool, createParents: Bool
    ) async throws(WorkspaceError) {
        try await workspace.write(path, bytes, mode: mode, append: append, createParents: createParents)
    }

    func list(_ path: String, recursive: Bool, limit: Int) async throws(WorkspaceError) -> FileListing {
        try await workspace.list(path, recursive: recursive, limit: limit)
    }

    func stat(_ path: String) async throws(WorkspaceError) -> FileStatus? { try await workspace.stat(path) }

    func remove(_ path: String, recursive: Bool) async throws(WorkspaceError) {
        try await workspace.remove(path, recursive: recursive)
    }

    func makeDirectory(_ path: String) async throws(WorkspaceError) { try await workspace.makeDirectory(path) }
}
