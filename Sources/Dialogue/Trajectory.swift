import JSON
import Plugins
import Trace
import Workspaces

/// One trajectory from the opening of its workspace to the verdict on its goals.
struct Trajectory {
    let runner: TrajectoryRunner
    let scenario: Scenario
    let seed: UInt64
    let trace: TraceWriter
    private let started = ContinuousClock.now

    init(runner: TrajectoryRunner, scenario: Scenario, seed: UInt64, trace: TraceWriter) {
        self.runner = runner
        self.scenario = scenario
        self.seed = seed
        self.trace = trace
    }

    func run() async -> TrajectoryResult {
        var result = TrajectoryResult(id: scenario.id, outcome: .infrastructure, reason: "")
        // Whatever fails after a cancellation fails because of it.
        do throws(Ending) { try await perform(into: &result) } catch {
            result.end(Task.isCancelled ? .cancelled : error)
        }
        result.wall = .now - started
        return result
    }

    private func perform(into result: inout TrajectoryResult) async throws(Ending) {
        try recordStart()
        let tasks = try preparedTasks()
        let workspace = try await open()
        do throws(Ending) { try await play(tasks, in: workspace, into: &result) } catch {
            await workspace.close()
            throw error
        }
        await workspace.close()
    }

    private func recordStart() throws(Ending) {
        var used = runner.casting.plugins.map { plugin in
            TraceEvent.PluginUse(
                kind: plugin.manifest.kind.rawValue, name: plugin.manifest.name,
                version: plugin.manifest.version.description, hash: plugin.hash)
        }
        try record(
            .start(
                trajectory: scenario.id, seed: seed, ise: runner.version, isolation: runner.host.isolation.json,
                settings: runner.settings))
        try record(.intent(scenario.intent))
        used += runner.casting.toolSources.map { $0.use }
        try record(.plugins(used))
    }

    private func preparedTasks() throws(Ending) -> [PreparedTask] {
        var tasks: [PreparedTask] = []
        for instance in scenario.tasks { tasks.append(try PreparedTask(instance)) }
        return tasks
    }

    private func open() async throws(Ending) -> Workspace {
        do throws(WorkspaceError) { return try await runner.host.open(runner.policy) } catch {
            throw Ending(.infrastructure, "no workspace could be opened: \(error.message)")
        }
    }

    private func play(
        _ tasks: [PreparedTask], in workspace: Workspace, into result: inout TrajectoryResult
    ) async throws(Ending) {
        var tasks = tasks
        for index in tasks.indices {
            do throws(FixtureError) { try await tasks[index].layOut(in: workspace) } catch {
                throw Ending(.infrastructure, "the task `\(tasks[index].name)`: \(error)")
            }
        }
        let cast = try await cast(in: workspace)
        try record(.prompt(system: SystemPrompt.text, tools: cast.tools.definitions))
        let scene = DialogueDriver.Scene(
            scenario: scenario, playbook: Playbook(scenario.tasks), fixturePaths: tasks.flatMap(\.fixture.files.keys),
            systemPrompt: SystemPrompt.text, workspace: workspace, cast: cast, trace: trace, started: started)
        var driver = DialogueDriver(scene: scene, limits: runner.limits, home: try await snapshot(of: workspace))
        let ending = await driver.play()
        result.end(ending)
        result.counts = driver.counts
        result.simulatorSuccess = driver.loop.simulatorSuccess
        if ending.outcome != .infrastructure, ending.outcome != .cancelled {
            result.goals = try await judge(tasks, in: workspace)
        }
        result.decide()
    }

    private func cast(in workspace: Workspace) async throws(Ending) -> Cast {
        do throws(PluginError) {
            return try await runner.casting.cast(in: workspace, seed: seed, scenario: scenario.id, trace: trace)
        } catch {
            throw Ending(.infrastructure, "a plugin does not start: \(error.message)")
        }
    }

    private func snapshot(of workspace: Workspace) async throws(Ending) -> HomeSnapshot {
        do throws(WorkspaceError) { return try await .taken(of: workspace) } catch {
            throw Ending(.infrastructure, "the files of the workspace cannot be listed: \(error.message)")
        }
    }

    private func judge(_ tasks: [PreparedTask], in workspace: Workspace) async throws(Ending) -> [GoalResult] {
        var results: [GoalResult] = []
        for task in tasks {
            let evaluator = GoalEvaluator(workspace: workspace, fixture: task.fixture)
            for (json, goal) in task.goals {
                let reason: String?
                do throws(WorkspaceError) { reason = try await evaluator.failure(of: goal) } catch {
                    throw Ending(.infrastructure, "the goals cannot be checked: \(error.message)")
                }
                // A command that was cancelled says nothing about the goal.
                if Task.isCancelled { throw .cancelled }
                try record(.goal(json, met: reason == nil, found: reason))
                results.append(GoalResult(task: task.name, goal: json, met: reason == nil, reason: reason ?? ""))
            }
        }
        return results
    }

    private func record(_ event: TraceEvent) throws(Ending) {
        do throws(TraceError) { try trace.append(event) } catch { throw Ending(error) }
    }
}
