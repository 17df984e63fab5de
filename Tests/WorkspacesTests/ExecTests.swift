import Testing

@testable import Workspaces

/// One host serves all tests of this process, as one serves a run.
enum Shared {
    private static let starting = Task { try await WorkspaceHost.start() }
    static var host: WorkspaceHost { get async throws { try await starting.value } }

    static func withWorkspace<Value>(
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

@Suite struct ExecTests {
    @Test func `A command's output, exit code and resources come back`() async throws {
        try await Shared.withWorkspace { workspace in
            let result = try await workspace.exec(.shell("echo out; echo err >&2; exit 7"))
            #expect(result.exitCode == 7)
            #expect(result.signal == nil)
            #expect(result.endedBy == .exit)
            #expect(result.stdout.text == "out\n")
            #expect(result.stderr.text == "err\n")
            #expect(result.maxRSSBytes > 0)
            #expect(result.wall > .zero)
            #expect(result.leftRunning.isEmpty)
        }
    }
}
