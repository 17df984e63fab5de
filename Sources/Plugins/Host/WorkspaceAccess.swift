import Workspaces

/// What host functions need of a workspace. The tests and `plugin test` put a fake behind it.
public protocol WorkspaceAccess: Sendable {
    func exec(_ command: ExecRequest) async throws(WorkspaceError) -> ExecResult
    func read(_ path: String, offset: Int, limit: Int) async throws(WorkspaceError) -> [UInt8]
    func write(
        _ path: String, _ bytes: [UInt8], mode: UInt16, append: Bool, createParents: Bool
    ) async throws(WorkspaceError)
    func list(_ path: String, recursive: Bool, limit: Int) async throws(WorkspaceError) -> FileListing
    func stat(_ path: String) async throws(WorkspaceError) -> FileStatus?
    func remove(_ path: String, recursive: Bool) async throws(WorkspaceError)
    func makeDirectory(_ path: String) async throws(WorkspaceError)
}

extension Workspace: WorkspaceAccess {}
