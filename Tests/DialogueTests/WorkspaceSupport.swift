import TestSupport
import Workspaces

/// Runs `body` in a workspace of its own.
func withWorkspace<Value>(_ body: (Workspace) async throws -> Value) async throws -> Value {
    try await SharedHost.withWorkspace(Policy(), body)
}
