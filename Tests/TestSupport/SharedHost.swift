import Workspaces

/// One host serves all tests of this process, as one serves a run; its launcher ends with the process.
public enum SharedHost {
    private static let starting = Task { try await WorkspaceHost.start() }
    public static var host: WorkspaceHost { get async throws { try await starting.value } }

    /// Runs `body` in a workspace of its own.
    public static func withWorkspace<Value>(
        _ policy: Policy = Policy(), _ body: (Workspace) async throws -> Value
    ) async throws -> Value {
        let workspace = try await host.open(policy)
        do {
            let value = try await body(workspace)
            await workspace.close()
            return value
        } catch {
            await workspace.close()
            throw error
        }
    }
}
