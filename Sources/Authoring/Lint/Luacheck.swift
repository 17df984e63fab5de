import Plugins
import Workspaces

/// luacheck, where the machine has it. It runs in a workspace, as every program that ISE starts for a plugin.
public enum Luacheck {
    private static let places = ["/usr/bin/luacheck", "/usr/local/bin/luacheck"]

    public static func findings(of plugin: Plugin) async -> [LintFinding] {
        guard places.contains(where: isFile) else { return [] }
        do throws(WorkspaceError) {
            let host = try await WorkspaceHost.start()
            let findings: Result<[LintFinding], WorkspaceError>
            do throws(WorkspaceError) { findings = .success(try await run(plugin, in: try await host.open())) } catch {
                findings = .failure(error)
            }
            await host.shutdown()
            return try findings.get()
        } catch {
            return [
                LintFinding(
                    severity: .warning, rule: "luacheck", file: plugin.mainFile, line: 1,
                    message: "luacheck could not be run: \(error.message)")
            ]
        }
    }

    private static func run(_ plugin: Plugin, in workspace: Workspace) async throws(WorkspaceError) -> [LintFinding] {
        for (file, source) in plugin.sources { try await workspace.write(file, source) }
        try await workspace.write(".luacheckrc", Array(Stubs.luacheckConfiguration.utf8))
        let files = plugin.sources.keys.sorted()
        let result = try await workspace.exec(
            ExecRequest(argv: ["luacheck", "--no-color", "--codes", "--formatter", "plain"] + files))
        return result.stdout.text.split(separator: "\n").compactMap(finding)
    }

    /// "main.lua:12:3: (W211) unused variable 'x'".
    private static func finding(_ row: Substring) -> LintFinding? {
        let parts = row.split(separator: ":", maxSplits: 3)
        guard parts.count == 4, let line = Int(parts[1]) else { return nil }
        let text = parts[3].drop { $0 == " " }
        return LintFinding(
            severity: text.hasPrefix("(E") ? .error : .warning, rule: "luacheck", file: String(parts[0]), line: line,
            message: String(text))
    }
}
