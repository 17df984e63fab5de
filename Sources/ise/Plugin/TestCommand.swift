import ArgumentParser
import Authoring
import Basics
import Glibc
import JSON
import Plugins
import Workspaces

struct TestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Runs the specs of plugins.",
        discussion: """
            Specs are `spec/*_spec.lua` in a plugin's folder, or `NAME_spec.lua` beside its main file. Exit status 1 when a test \
            failed.
            """)

    @OptionGroup var choice: PluginChoice

    @Flag(help: "In a fake workspace, with scripted answers of commands (default).")
    var fake = false

    @Flag(help: "In a real workspace, where commands really run.")
    var real = false

    @Flag(help: "In both, and say where the fake one lies.")
    var both = false

    @Flag(help: "Run each test twice and compare what the plugin asked of the host and gave, byte for byte.")
    var twice = false

    @Option(help: "Also call each plugin so often with arguments made up from its schema, some of which do not fit.")
    var fuzz = 0

    @Option(help: "Seed of what is made up.")
    var seed: UInt64 = 1

    @Flag(help: "Run each test again for each of its host calls, which then fails: the plugin must give a clean error.")
    var faults = false

    @Option(
        help: ArgumentHelp(
            "Instead of the specs, calls that are in this file, with the host's answers of then: a trace of a run, a golden file, or the output of `ise plugin call --json`. Of traces only calls can be replayed whose host calls they have.",
            valueName: "file"))
    var replay: String?

    @Flag(help: "Say which lines of the plugin ran, and which never did.")
    var coverage = false

    @Flag(help: "Say which permissions no spec made use of, and what was tried without one.")
    var permissions = false

    @Flag(help: "Record golden files anew.")
    var update = false

    @Option(help: ArgumentHelp("Only tests with this in their name.", valueName: "text"))
    var filter: String?

    @Flag(name: .shortAndLong, help: "Show tests that passed, too.")
    var verbose = false

    @Flag(help: "Print one JSON object a test, and the sum in the last line.")
    var json = false

    @Option(help: ArgumentHelp("Also write the results as JUnit XML.", valueName: "file"))
    var junit: String?

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        let start = ContinuousClock.now
        let (plugins, problems) = try choice.find()
        for problem in problems { warn("plugin left out: \(problem)") }
        let host = real || both ? try await startWorkspaces(orElse: "--fake needs no workspaces") : nil
        var results: [TestResult] = []
        do {
            for plugin in plugins {
                var runner = SpecRunner(plugin, options, host: host)
                if coverage { runner.coverage = Coverage(plugin) }
                let own: [TestResult]
                if let replay {
                    own = try await Replayer(plugin, file: replay).run()
                } else {
                    own = try await runner.run()
                }
                show(own, of: plugin)
                tell(runner.coverage, permissions ? PermissionUse(plugin, own) : nil)
                results += own
            }
        } catch {
            await host?.shutdown()
            throw fail("\(error)")
        }
        await host?.shutdown()
        if let replay, results.isEmpty {
            throw fail("\(replay) has no call of \(plugins.map(\.title).joined(separator: ", "))")
        }
        if let filter, results.isEmpty { throw fail("no test has \"\(filter)\" in its name (--filter)") }
        let report = TestReport(results, wall: ContinuousClock.now - start)
        if let junit {
            do throws(SystemError) { try Files.write(junit, Array(report.junit.utf8)) } catch { throw fail("\(error)") }
        }
        print(json ? report.json.compact : report.summary)
        if report.failed > 0 { throw ExitCode(1) }
    }

    private var options: SpecRunner.Options {
        var options = SpecRunner.Options()
        options.fake = fake || both || !real
        options.real = real || both
        options.twice = twice
        options.updates = update
        options.faults = faults
        options.fuzz = fuzz
        options.seed = seed
        options.filter = filter
        return options
    }

    private func tell(_ coverage: Coverage?, _ permissions: PermissionUse?) {
        guard !json else {
            return [coverage?.json, permissions?.json].compactMap(\.self).forEach { print($0.compact) }
        }
        if let text = coverage?.text, !text.isEmpty { print(text) }
        if let permissions { print(permissions.text) }
    }

    private var nothing: String { replay != nil ? "no calls" : filter == nil ? "no specs" : "no test of that name" }

    private func show(_ results: [TestResult], of plugin: Plugin) {
        if json { return results.forEach { print($0.json.compact) } }
        let report = TestReport(results, wall: results.reduce(.zero) { $0 + $1.wall })
        print("\(plugin.title) \(plugin.manifest.version): \(results.isEmpty ? nothing : report.summary)")
        let text = report.text(verbose: verbose, color: isatty(1) == 1 && getenv("NO_COLOR") == nil)
        if !text.isEmpty { print(text) }
    }
}
