import Intents
import JSON
import Plugins
import Skills
import Trace
import Workspaces

/// One trajectory from the opening of its workspace to the verdict on its goals.
struct Trajectory {
    let runner: TrajectoryRunner
    let scenario: Scenario
    let seed: UInt64
    let trace: TraceWriter
    private let skills: SkillSelection?
    private let started = ContinuousClock.now

    init(runner: TrajectoryRunner, scenario: Scenario, seed: UInt64, trace: TraceWriter) {
        self.runner = runner
        self.scenario = scenario
        self.seed = seed
        self.trace = trace
        let wanted = scenario.intent["skills_used"]?.array?.compactMap(\.string) ?? []
        skills = runner.skills?.selection(of: wanted) { IntentRecord.skillID($0) }
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
        let workspace: Workspace
        do throws(Ending) { workspace = try await open() } catch {
            try await recordStart(in: nil)
            throw error
        }
        do throws(Ending) {
            try await recordStart(in: workspace)
            try await play(try preparedTasks(), in: workspace, into: &result)
        } catch {
            await workspace.close()
            throw error
        }
        await workspace.close()
    }

    private func recordStart(in workspace: Workspace?) async throws(Ending) {
        try await runner.start(scenario.id, seed: seed, in: workspace, record)
        try record(.intent(scenario.intent))
        try record(
            .plugins(
                runner.casting.plugins, others: runner.casting.toolSources.map(\.use) + (skills?.uses ?? []),
                sources: runner.pluginSources))
        for note in runner.notes { try record(.log("warn", note, source: "plugins")) }
        for reason in skills?.missing ?? [] { try record(.log("warn", reason, source: "skills")) }
        if let skills, skills.listedCount < skills.skills.count {
            let text = "the prompt lists \(skills.listedCount) of \(skills.skills.count) skills, for its length"
            try record(.log("warn", text, source: "skills"))
        }
    }

    private func systemPrompt(in workspace: Workspace) -> String {
        SystemPrompt.text(network: workspace.policy.network, skills: skills?.prompt ?? "")
    }

    private func preparedTasks() throws(Ending) -> [PreparedTask] {
        var tasks: [PreparedTask] = []
        for instance in scenario.tasks { tasks.append(try PreparedTask(instance)) }
        return tasks
    }

    private func open() async throws(Ending) -> Workspace {
        do throws(WorkspaceError) {
            return try await runner.host.open(runner.policy.policy, binds: skills?.binds ?? [])
        } catch {
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
        let (session, provision) = provision(workspace)
        let cast = try await cast(provision)
        let prompt = systemPrompt(in: workspace)
        try record(.prompt(system: prompt, tools: cast.tools.definitions))
        let scene = DialogueDriver.Scene(
            scenario: scenario, playbook: Playbook(scenario.tasks), fixturePaths: tasks.flatMap(\.fixture.files.keys),
            systemPrompt: prompt, workspace: workspace, cast: cast, trace: trace, started: started, session: session,
            provision: provision)
        var driver = DialogueDriver(scene: scene, limits: runner.limits, home: try await snapshot(of: workspace))
        let ending = await driver.play()
        await provision.desk?.tree.stopAll(below: session)
        try recordLeftovers(provision)
        result.end(ending)
        result.counts = driver.counts
        result.simulatorSuccess = driver.loop.simulatorSuccess
        if ending.outcome != .infrastructure, ending.outcome != .cancelled {
            result.goals = try await judge(tasks, in: workspace)
        }
        result.decide()
    }

    private func cast(_ provision: Provision) async throws(Ending) -> Cast {
        do throws(PluginError) {
            return try await runner.casting.cast(provision, seed: seed, scenario: scenario.id, trace: trace)
        } catch {
            throw Ending(.infrastructure, "a plugin does not start: \(error.message)")
        }
    }

    /// What the main dialogue's tools get, and the sessions and the schedule behind it.
    private func provision(_ workspace: Workspace) -> (Session, Provision) {
        var provision = Provision(
            workspace: workspace, resources: runner.casting.resources, trace: trace, tasks: scenario.tasks,
            bound: runner.bound)
        let now = HostServices().now
        let tree = SessionTree(
            limits: runner.limits.sessions, task: scenario.intent["natural_language_intent"]?.string ?? "", now: now)
        let family = ChildDialogue.Family(
            runner: runner, scenario: scenario, seed: seed, tree: tree, store: provision.store,
            skills: skills?.prompt ?? "")
        let desk = ChildDialogue.desk(family, own: tree.main, workspace: workspace, trace: trace)
        provision.desk = desk
        provision.schedule = Schedule(now: now)
        provision.fire = { entry in await desk.fire(entry) }
        return (tree.main, provision)
    }

    /// Jobs that still run, and what was scheduled and never came due.
    private func recordLeftovers(_ provision: Provision) throws(Ending) {
        do throws(TraceError) { try provision.recordJobs(turn: nil) } catch { throw Ending(error) }
        for entry in provision.schedule?.waiting ?? [] {
            let text = "\(entry.id) was not due by the end of the dialogue"
            try record(.log("info", text, source: "schedule", fields: Schedule.view(entry).json))
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
