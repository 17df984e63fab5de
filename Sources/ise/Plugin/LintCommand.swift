import ArgumentParser
import Authoring
import Basics
import JSON
import Plugins
import Trace

struct LintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint", abstract: "Looks at plugins without running them.",
        discussion: """
            Finds what is wrong with manifest and schema, syntax errors, names that plugins do not have, host functions that the \
            manifest does not permit, permissions that are never used, calls that cannot wait where they stand. Runs luacheck, \
            too, where this machine has it. Exit status 1 when there is an error; with --strict also for warnings.
            """)

    @OptionGroup var choice: PluginChoice

    @Flag(help: "Warnings count as errors.")
    var strict = false

    @Flag(help: "Print one JSON object a finding.")
    var json = false

    func run() async throws {
        var errors = 0, warnings = 0
        let (plugins, problems) = try choice.find()
        for problem in problems {
            errors += 1
            if json {
                let finding = LintFinding(
                    severity: .error, rule: "manifest", file: problem.file, line: problem.line ?? 1,
                    message: problem.reason)
                print(finding.json.compact)
            } else {
                print("\(problem.description.replacing(problem.reason, with: "error: \(problem.reason)"))".visible)
            }
        }
        let luacheck: Luacheck?
        do { luacheck = try await Luacheck.start() } catch {
            warn(error.message)
            luacheck = nil
        }
        for plugin in plugins {
            var findings = Linter(plugin).findings()
            do { findings += try await luacheck?.findings(of: plugin) ?? [] } catch { warn(error.message) }
            for finding in findings {
                if finding.severity == .error { errors += 1 } else { warnings += 1 }
                show(finding, of: plugin)
            }
        }
        await luacheck?.shutdown()
        if !json {
            print(
                [(plugins.count, "plugin"), (errors, "error"), (warnings, "warning")].map(counted).joined(
                    separator: ", "))
        }
        if errors > 0 || strict && warnings > 0 { throw ExitCode(1) }
    }

    private func show(_ finding: LintFinding, of plugin: Plugin) {
        guard json else {
            return print(
                plugin.mainFile == "main.lua" ? "\(plugin.location)/\(finding)" : "\(plugin.folder)/\(finding)")
        }
        var value = finding.json
        value["plugin"] = .string(plugin.title)
        print(value.compact)
    }
}

extension Plugin {
    /// The directory that its files are in.
    var folder: String {
        mainFile == "main.lua"
            ? location
            : location.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    }
}
