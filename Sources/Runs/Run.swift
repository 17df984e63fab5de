import Basics
import Dialogue
import Intents
import JSON
import Plugins
import Skills
import Synchronization
import Trace
import Workspaces

/// One run: intents in; trajectories, traces and a summary out.
public struct Run: Sendable {
    private let configuration: RunConfiguration
    private let catalog: PluginCatalog

    /// - Parameter catalog: checked, so that a plugin that doesn't load is told once and not by every trajectory.
    public init(_ configuration: RunConfiguration, catalog: PluginCatalog) {
        self.configuration = configuration
        self.catalog = catalog
    }

    /// Does the run. When the surrounding task is cancelled, running trajectories end as cancelled, no new one starts, and the
    /// summary covers what there is.
    /// - Parameter note: gets every message that is no result, such as the bad lines of an intents file.
    /// - Throws: what keeps the run from starting, before any trajectory has started; or a summary that cannot be written.
    public func execute(note: @escaping @Sendable (String) -> Void = { _ in }) async throws(RunError) -> RunSummary {
        let start = ContinuousClock.now
        let ensemble = try Ensemble(configuration, catalog: catalog)
        let directory = try RunDirectory.claim(configuration.out, configuration: record(ensemble))
        let intents: IntentSource
        let host: WorkspaceHost
        let skills: SkillShelf?
        do throws(RunError) {
            intents = try await IntentSource(configuration, catalog: catalog)
            try directory.write(intents.records)
            host = try await startHost()
            do throws(RunError) {
                try await checkSources(on: host, note)
                skills = try await makeShelf(on: host, ensemble, directory)
            } catch {
                await host.shutdown()
                throw error
            }
        } catch {
            directory.abandon()
            throw error
        }
        for skill in skills?.leftOut ?? [] { note("\(skill)") }
        for problem in intents.pluginProblems { note("plugin left out: \(problem)") }
        for problem in intents.badLines { note("intent left out: \(problem)") }
        if let warning = ensemble.warning(for: intents.records) { note(warning) }

        let display = ProgressDisplay(planned: intents.records.count)
        var runner = ensemble.runner(on: host, configuration)
        runner.skills = skills
        let stage = Stage(
            lineup: Lineup(runner, catalog, note: note), restorer: intents.restorer,
            seed: configuration.seed,
            directory: directory, redactor: ensemble.redactor, display: display)
        var scheduler = Scheduler(jobs: configuration.jobs)
        let watermark = DiskWatermark(path: directory.path, least: configuration.minimumFree) {
            display.note("ise: \($0)")
        }
        scheduler.gate = { await watermark.pass() }
        let results = await display.during { await scheduler.run(intents.records) { await stage.play($0) } }
        await host.shutdown()
        await catalog.shutdown()

        let summary = RunSummary(
            planned: intents.records.count, results: results.compactMap(\.self), badLines: intents.badLines.count,
            wall: start.duration(to: .now), out: directory.path)
        for remark in summary.remarks { note(remark) }
        do {
            try directory.write(summary: summary.report)
        } catch {
            note(summary.table)
            throw error
        }
        return summary
    }

    private func record(_ ensemble: Ensemble) -> JSONValue {
        [
            "ise": .string(iseVersion), "started": .string(Timestamp.now().rfc3339), "run": configuration.json,
            "dialogue": ensemble.settings,
        ]
    }

    /// Starting a host also clears what a run that was killed has left behind.
    private func startHost() async throws(RunError) -> WorkspaceHost {
        do {
            let host = try await WorkspaceHost.start(try configuration.policy.hostOptions())
            do { try await checkWalls(of: host) } catch {
                await host.shutdown()
                throw error
            }
            await host.prepare(configuration.jobs, policy: configuration.policy.policy)
            return host
        } catch {
            throw RunError(.workspaces, "no workspace can be opened here: \(error); see `ise doctor`")
        }
    }

    /// Every trajectory looks at its own; what no workspace here has is told once.
    private func checkWalls(of host: WorkspaceHost) async throws(WorkspaceError) {
        let workspace = try await host.open(configuration.policy.policy)
        let probe = try await workspace.liveProbe()
        await workspace.close()
        _ = try probe.verified()
    }

    private func makeShelf(
        on host: WorkspaceHost, _ ensemble: Ensemble, _ directory: RunDirectory
    ) async throws(RunError) -> SkillShelf? {
        guard !configuration.skills.isEmpty else { return nil }
        let tools = ensemble.casting.tools.map(\.manifest.name)
        do {
            let workspace = try await host.open(configuration.policy.policy)
            let shelf = try await SkillShelf(
                configuration.skills, tools: tools, workspace: workspace, directory: directory.skills)
            await workspace.close()
            return shelf
        } catch {
            throw RunError(.workspaces, "\(error)")
        }
    }

    /// A server that brings no tools here brings none to any trajectory: better said now.
    private func checkSources(
        on host: WorkspaceHost, _ note: @escaping @Sendable (String) -> Void
    ) async throws(RunError) {
        for source in configuration.toolSources {
            let workspace: Workspace
            do { workspace = try await host.open(configuration.policy.policy) } catch {
                throw RunError(.workspaces, "no workspace can be opened here: \(error); see `ise doctor`")
            }
            let lines = Lines()
            let tools = await source.open(in: workspace) { lines.add("\($0): \($1)") }
            await workspace.close()
            guard !tools.isEmpty else {
                let log = lines.all.suffix(5).map { "\n  " + $0 }.joined()
                throw RunError(.input, "\(source.name) brings no tools into a workspace; what it said:\(log)")
            }
            note("\(source.name) brings \(tools.map(\.name).joined(separator: ", "))")
        }
    }
}

private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }
}
