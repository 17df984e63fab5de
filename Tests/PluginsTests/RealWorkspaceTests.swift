import Plugins
import Testing
import Workspaces

/// The host functions over a real workspace: the fake one of the other tests must not be believed alone.
@Suite struct RealWorkspaceTests {
    @Test func `Commands and files do in a workspace what they say`() async throws {
        let host = try await WorkspaceHost.start()
        let workspace = try await host.open()
        var services = HostServices()
        services.workspace = workspace
        let tool = try await probe(
            """
            return { run = function()
              ws.write('logs/a.log', 'one\\ntwo\\n\\xff')
              local counted = ws.exec({ 'wc', '-l' }, { stdin = ws.read('logs/a.log') })
              local failed = ws.exec({ 'sh', '-c', 'echo no >&2; exit 3' }, { cwd = 'logs', env = { A = 'b' } })
              local slow = ws.exec({ 'sleep', '60' }, { timeout_ms = 50 })
              local missing = select(2, pcall(ws.read, 'nothing'))
              local listed = ws.list('.', { recursive = true })
              ws.remove('logs', { recursive = true })
              return {
                counted = counted.stdout, code = failed.code, stderr = failed.stderr, timed_out = slow.timed_out,
                no_code = slow.code == nil, missing = missing.code, gone = ws.stat('logs') == nil,
                file = listed.entries[2].path, size = listed.entries[2].size,
              }
            end }
            """, ["permissions": ["fs": [["path": "**", "mode": "rw"]], "exec": ["*"]]], host: services)
        let result = try await tool.call("run", [[:]])
        await workspace.close()
        await host.shutdown()
        #expect(
            result == [
                "counted": "2\n", "code": 3, "stderr": "no\n", "timed_out": true, "no_code": true, "missing": "E_NOENT",
                "gone": true, "file": "logs/a.log", "size": 9,
            ])
    }
}
