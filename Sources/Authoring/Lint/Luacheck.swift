import Basics
import Plugins
import Workspaces

/// luacheck, where the machine has it. It runs in workspaces, as every program that ISE starts for a plugin.
public struct Luacheck: Sendable {
    private static let places = ["/usr/bin/luacheck", "/usr/local/bin/luacheck"]

    private let host: WorkspaceHost

    /// nil when it is not installed.
    /// - Throws: when there can be no workspaces.
    public static func start() async throws(AuthoringError) -> Luacheck? {
        guard places.contains(where: Files.isFile) else { return nil }
        do throws(WorkspaceError) { return Luacheck(host: try await WorkspaceHost.start()) } catch {
            throw AuthoringError("luacheck is installed but cannot be run: \(error.message)")
        }
    }

    public func shutdown() async { await host.shutdown() }

    public func findings(of plugin: Plugin) async throws(AuthoringError) -> [LintFinding] {
        do throws(WorkspaceError) {
            let workspace = try await host.open()
            let findings: Result<[LintFinding], WorkspaceError>
            do throws(WorkspaceError) { findings = .success(try await run(plugin, in: workspace)) } catch {
                findings = .failure(error)
            }
            await workspace.close()
            return try findings.get()
        } catch {
            throw AuthoringError("luacheck could not be run on \(plugin.title): \(error.message)")
        }
    }

    private func run(_ plugin: Plugin, in workspace: Workspace) async throws(WorkspaceError) -> [LintFinding] {
        for (file, source) in plugin.sources { try await workspace.write(file, source) }
        try await workspace.write(".luacheckrc", Array(Stubs.luacheckConfiguration.utf8))
        let files = plugin.sources.keys.sorted()
        let result = try await workspace.exec(
            ExecRequest(argv: ["luacheck", "--no-color", "--codes", "--formatter", "plain"] + files))
        return result.stdout.text.split(separator: "\n").compactMap(Self.finding)
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
