import ArgumentParser
import Authoring
import Basics
import Glibc
import Plugins

struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Lints and tests plugins again whenever a file of theirs changes.",
        discussion: "Specs run in fake workspaces. End it with Ctrl-C.")

    @OptionGroup var choice: PluginChoice

    func run() async throws {
        let (plugins, _) = try choice.find()
        guard !plugins.isEmpty else { throw fail("there are no plugins to watch") }
        var watcher = Watcher(
            plugins.map(\.location) + plugins.filter { $0.mainFile != "main.lua" }.map { specBeside($0.location) })
        var pending = Set(plugins.map(\.location))
        while true {
            if !pending.isEmpty {
                await check(plugins.filter { pending.contains($0.location) })
                print("watching \(counted(plugins.count, "plugin"))")
                fflush(nil)
            }
            // Editors write in several steps: what changes together is checked together.
            try await Task.sleep(for: .milliseconds(200))
            let changed = watcher.changes()
            pending = Set(
                plugins.map(\.location).filter { place in
                    changed.contains { $0 == place || $0.hasPrefix(place + "/") || $0 == specBeside(place) }
                })
            if !pending.isEmpty { print("\nchanged: \(changed.joined(separator: ", "))") }
        }
    }

    private func specBeside(_ file: String) -> String { String(file.dropLast(4)) + "_spec.lua" }

    /// Reads the plugins anew: what is on the disk counts.
    private func check(_ plugins: [Plugin]) async {
        do {
            let finder = PluginFinder(directories: try choice.plugins.find())
            for old in plugins {
                let plugins: [Plugin]
                do { plugins = try finder.find(old.location).plugins } catch {
                    print(error.message)
                    continue
                }
                for plugin in plugins { try await check(plugin) }
            }
        } catch {
            print("\(error)")
        }
    }

    private func check(_ plugin: Plugin) async throws {
        for finding in Linter(plugin).findings() { print("  \(finding)") }
        let results = try await SpecRunner(plugin, SpecRunner.Options(), host: nil).run()
        let report = TestReport(results, wall: results.reduce(.zero) { $0 + $1.wall })
        print("\(plugin.title) \(plugin.manifest.version): \(results.isEmpty ? "no specs" : report.summary)")
        let text = report.text(verbose: false, color: isatty(1) == 1 && getenv("NO_COLOR") == nil)
        if !text.isEmpty { print(text) }
    }
}
