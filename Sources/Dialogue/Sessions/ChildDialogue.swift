import JSON
import Lua
import Plugins
import Trace
import Workspaces

/// A dialogue below another: the same agent, a task as its user's message, in the same workspace or in a fork of it. It has a
/// trace of its own, which the parent's names by its digest.
struct ChildDialogue: Sendable {
    /// What the dialogues of one trajectory have in common.
    struct Family: Sendable {
        let runner: TrajectoryRunner
        let scenario: Scenario
        let seed: UInt64
        let tree: SessionTree
        let store: PluginStore
        /// The list of skills in the prompts.
        let skills: String
    }

    let family: Family
    let session: Session
    let workspace: Workspace
    let isFork: Bool
    let trace: TraceWriter
    /// Of the dialogue that started it.
    let parentTrace: TraceWriter
    let wall: Duration?

    private var now: Double { family.tree.now() }
    private var id: String { "\(family.scenario.id).\(session.id)" }

    /// Where a dialogue's `sessions.spawn` leads.
    static func desk(
        _ family: Family, own: Session, workspace: Workspace, trace: TraceWriter
    ) -> SessionDesk {
        SessionDesk(tree: family.tree, own: own, agent: family.runner.casting.agent) {
            session, isolated, wall throws(LuaHostError) in
            let place = isolated ? try await fork(workspace, family.runner.host) : workspace
            let own: TraceWriter
            do throws(TraceError) { own = try trace.sibling(id: "\(family.scenario.id).\(session.id)") } catch {
                if isolated { await place.close() }
                throw LuaHostError("E_IO", "the session's trace cannot be written: \(error)")
            }
            let child = ChildDialogue(
                family: family, session: session, workspace: place, isFork: isolated, trace: own, parentTrace: trace,
                wall: wall)
            session.begin(Task { await child.run() })
        }
    }

    private static func fork(_ workspace: Workspace, _ host: WorkspaceHost) async throws(LuaHostError) -> Workspace {
        do throws(WorkspaceError) { return try await host.open(try await workspace.snapshot()) } catch {
            throw LuaHostError(
                error.code == .busy ? "E_BUSY" : "E_IO", "the workspace cannot be forked now: \(error.message)")
        }
    }

    private func run() async {
        var ending: Ending
        do throws(Ending) { ending = try await play() } catch { ending = Task.isCancelled ? .cancelled : error }
        await family.tree.stopAll(below: session)
        if isFork { await workspace.close() }
        var facts: JSONObject = ["counts": session.counts.json]
        facts["session"] = .string(session.id)
        var receipt: TraceReceipt?
        do throws(TraceError) {
            try trace.append(.outcome(ending.outcome.rawValue, reason: ending.reason, facts: facts))
            receipt = try await trace.finish(outcome: ending.outcome.rawValue)
        } catch { ending = Ending(error) }
        let hadAnswered = session.phase == .idle
        session.end(ending, now: now)
        var payload: JSONObject = [
            "session": .string(session.id), "outcome": .string(ending.outcome.rawValue),
            "reason": .string(ending.reason), "trace": .string("\(id)\(TraceFormat.fileExtension)"),
            "counts": session.counts.json,
        ]
        payload["digest"] = receipt.map { .string($0.digest.hex) }
        payload["label"] = session.label.map { .string($0) }
        // A parent whose trace has ended, or cannot be written, learns of it by its own next event.
        _ = try? parentTrace.append(TraceEvent(.session, payload: payload))
        if !hadAnswered { announce(nil, ending) }
    }

    // MARK: Playing

    private func play() async throws(Ending) -> Ending {
        let casting = family.runner.casting
        let isLeaf = session.depth >= family.tree.limits.depth
        let tools = casting.tools.filter { tool in
            !tool.manifest.permissions.schedule && !(isLeaf && tool.manifest.permissions.sessions)
        }
        try await recordStart(tools)
        var provision = Provision(
            workspace: workspace, resources: casting.resources, trace: trace, tasks: family.scenario.tasks,
            store: family.store, bound: family.runner.bound)
        provision.desk = Self.desk(family, own: session, workspace: workspace, trace: trace)
        let stage = PluginStage(seed: family.seed, id: id, trace: trace)
        let cast: Cast
        do throws(PluginError) { cast = try await casting.castBelow(provision, tools: tools, stage) } catch {
            throw Ending(.infrastructure, "a plugin does not start: \(error.message)")
        }
        let prompt = SystemPrompt.text(network: workspace.policy.network, isBelow: true, skills: family.skills)
        try record(.prompt(system: prompt, tools: cast.tools.definitions))
        let home: HomeSnapshot
        do throws(WorkspaceError) { home = try await .taken(of: workspace) } catch {
            throw Ending(.infrastructure, "the files of the workspace cannot be listed: \(error.message)")
        }
        let scene = DialogueDriver.Scene(
            scenario: scenario, playbook: Playbook(scenario.tasks), fixturePaths: [], systemPrompt: prompt,
            workspace: workspace, cast: cast, trace: trace, started: .now, session: session, provision: provision)
        var driver = DialogueDriver(
            scene: scene, limits: limits, home: home, query: session.task,
            stage: scenario.tasks.isEmpty ? nil : "1/child")
        let ending = try await converse(&driver)
        try? provision.recordJobs(turn: nil)
        for entry in provision.jobs.entries where entry.job.result == nil { entry.job.signal(9) }
        return ending
    }

    /// One answer, and while it is kept one more for each message.
    private func converse(_ driver: inout DialogueDriver) async throws(Ending) -> Ending {
        var turns = 0
        while true {
            let ending = await driver.play()
            guard ending.outcome == .completed else { return ending }
            turns += 1
            session.answered(driver.lastReply, now: now)
            announce(driver.lastReply, ending)
            guard session.keeps, turns < family.tree.limits.turns else { return ending }
            await session.mailbox.wait()
            guard !Task.isCancelled, let message = session.mailbox.takeOne() else {
                return Ending(.completed, "it was ended")
            }
            session.goOn()
            driver.goOn(with: message.text)
        }
    }

    /// The parent's agent gets to read what came of it.
    private func announce(_ reply: String?, _ ending: Ending) {
        guard let parent = session.parent else { return }
        let label = session.label.map { " \"\($0)\"" } ?? ""
        let counts = session.counts
        let outcome = reply == nil ? "ended: \(ending.outcome.rawValue) (\(ending.reason))" : "finished"
        let stats = "\(counts.toolCalls) tool calls, \(counts.failures) of them failed"
        parent.mailbox.post(
            Mailbox.Message(
                source: "session",
                text: "[The session \(session.id)\(label) has \(outcome); \(stats).]"
                    + (reply.map { "\n\n\($0)" } ?? ""),
                facts: ["session": .string(session.id), "outcome": .string(ending.outcome.rawValue)]))
    }

    // MARK: What it is about

    /// The playbook for a scripted agent, when the task's domain has one that fits.
    private var scenario: Scenario {
        let intent: JSONValue = [
            "id": .string(id), "natural_language_intent": .string(session.task), "task_type": "direct_query",
            "parent": .string(family.scenario.id),
        ]
        let books = family.scenario.tasks.flatMap { $0["children"]?.array ?? [] }
        let book = books.first { book in
            if let label = book["label"]?.string { return label == session.label }
            return book["match"]?.string.map { session.task.contains($0) } ?? false
        }
        let tasks: [JSONValue] =
            book.map { book in
                let stage: JSONValue = [
                    "id": "child", "ask": ["full": .string(session.task)], "steps": book["steps"] ?? [],
                    "reply": book["reply"] ?? "Done.",
                ]
                return [["task": .string(session.label ?? "session"), "stages": [stage]]]
            } ?? []
        return Scenario(id: id, intent: intent, tasks: tasks)
    }

    private var limits: DialogueLimits {
        var limits = family.runner.limits
        let own = limits.sessions
        limits.toolCalls = own.toolCalls
        limits.wall = min(wall ?? own.wall, own.wall)
        return limits
    }

    private func recordStart(_ tools: [Plugin]) async throws(Ending) {
        try await family.runner.start(
            id, seed: family.seed, in: workspace, record,
            adding: [
                "parent_trajectory": .string(family.scenario.id), "session": .string(session.id),
                "workspace": isFork ? "fork" : "shared",
            ])
        try record(.intent(scenario.intent))
        try record(.plugins([family.runner.casting.agent] + tools))
    }

    private func record(_ event: TraceEvent) throws(Ending) {
        do throws(TraceError) { try trace.append(event) } catch { throw Ending(error) }
    }
}
