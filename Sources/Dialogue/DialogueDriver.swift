import JSON
import Plugins
import Trace
import Workspaces

/// Plays one dialogue: does what the turn loop asks for and tells it what came of it. Everything that happens is recorded as
/// it happens.
struct DialogueDriver {
    /// What stays the same over the dialogue.
    struct Scene: Sendable {
        var scenario: Scenario
        var playbook: Playbook
        var fixturePaths: [String]
        var systemPrompt: String
        var workspace: Workspace
        var cast: Cast
        var trace: TraceWriter
        var started: ContinuousClock.Instant
        /// This dialogue among those of its trajectory.
        var session: Session
        var provision: Provision
    }

    let scene: Scene
    private(set) var loop: TurnLoop
    private(set) var tally = CallTally()
    private var conversation: Conversation
    private var home: HomeSnapshot
    /// Of the user turn at hand.
    private var results: [ToolResult] = []
    private var turn: UserTurn?
    /// The simulator's reply that the proposed turn was read from.
    private var decision: JSONValue?
    /// The last event of the agent: its calls belong to it.
    private var answerEvent: Int?

    /// What the agent said at the end of the last turn.
    var lastReply: String { conversation.lastReply }
    /// Messages from outside that this user turn has taken in.
    private var events = 0

    /// - Parameters:
    ///   - query: what a user says who is not simulated; nil: the scenario's own query, if it is one.
    ///   - stage: of the playbook that the query belongs to.
    init(scene: Scene, limits: DialogueLimits, home: HomeSnapshot, query: String? = nil, stage: String? = nil) {
        self.scene = scene
        self.home = home
        loop = TurnLoop(limits: limits, query: query ?? scene.scenario.query, stage: stage)
        conversation = Conversation(system: scene.systemPrompt)
    }

    /// Another turn of a user who is not simulated, after `play` has returned.
    mutating func goOn(with query: String) {
        loop = TurnLoop(limits: loop.limits, query: query, deliveredTurns: loop.deliveredTurns)
    }

    /// Until the dialogue ends.
    mutating func play() async -> Ending {
        var step = loop.start()
        while true {
            if case .finish(let ending) = step { return ending }
            let event: TurnLoop.Event
            do throws(Ending) { event = try await perform(step) } catch { event = .ended(error) }
            step = loop.advance(Task.isCancelled ? .ended(.cancelled) : event, usage: usage)
        }
    }

    var counts: TrajectoryResult.Counts {
        var counts = TrajectoryResult.Counts()
        counts.userTurns = loop.deliveredTurns
        counts.toolCalls = tally.calls
        counts.failures = tally.failures
        counts.recoveries = tally.recoveries
        counts.pluginBugs = tally.pluginBugs
        counts.refusedProposals = loop.refusedProposals
        counts.emptyAnswers = loop.emptyAnswers
        counts.agentTokens = scene.cast.agent.tokens + scene.cast.tools.tokens
        counts.simulatorTokens = scene.cast.simulator?.tokens ?? 0
        return counts
    }

    /// Sessions below count as this one's.
    private var usage: Usage {
        let below = scene.provision.desk?.tree.tokens(below: scene.session) ?? 0
        return Usage(
            elapsed: .now - scene.started,
            tokens: scene.cast.agent.tokens + scene.cast.tools.tokens + (scene.cast.simulator?.tokens ?? 0) + below)
    }

    private mutating func perform(_ step: TurnLoop.Step) async throws(Ending) -> TurnLoop.Event {
        switch step {
        case .propose(let number, let note): try await propose(number, note)
        case .check(let turn): try await check(turn)
        case .deliver(let turn): try deliver(turn)
        case .askAgent(let turn, let step): try await askAgent(turn: turn, step: step)
        case .run(let plan): try await run(plan)
        case .digest: try await takeStock()
        case .finish(let ending): .ended(ending)
        }
    }
}

// MARK: - The user's side

extension DialogueDriver {
    private mutating func propose(_ number: Int, _ note: ProposalNote?) async throws(Ending) -> TurnLoop.Event {
        guard let simulator = scene.cast.simulator else {
            throw Ending(.infrastructure, "nobody simulates the user of this dialogue")
        }
        let answer: JSONValue
        do throws(PlayerFailure) {
            answer = try await simulator.call("next", view(forTurn: number, note), turn: number)
        } catch {
            if case .raised(let reason) = error { return .unreadableProposal(reason) }
            throw error.ending(blaming: .simulatorError)
        }
        decision = answer
        let decision: SimulatorDecision
        do throws(ContractBreach) { decision = try SimulatorDecision(answer) } catch {
            try log("the simulator's answer cannot be used: it \(error.reason)", answer, turn: number)
            return .unreadableProposal("the answer \(error.reason)")
        }
        if decision.completed { try log("the simulator closes the dialogue", answer, turn: number) }
        return .proposed(decision)
    }

    private func view(forTurn number: Int, _ note: ProposalNote?) -> JSONValue {
        var view: JSONObject = [
            "intent": scene.scenario.intent, "persona": scene.scenario.persona, "turn": .int(number),
            "level": scene.scenario.persona["experience_level"] ?? .null, "history": conversation.history,
            "stages": scene.playbook.forSimulator, "max_turns": .int(loop.limits.userTurns),
        ]
        switch note {
        case .refused(let reason, let query)?:
            view["refused"] = ["reason": .string(reason), "query": query.map(JSONValue.string) ?? .null]
        case .verifyFirst?: view["verify_first"] = true
        case nil: break
        }
        return .object(view)
    }

    private func check(_ turn: UserTurn) async throws(Ending) -> TurnLoop.Event {
        let paths = Set(scene.fixturePaths).union(home.paths).sorted()
        let view: JSONValue = [
            "query": .string(turn.text), "stage": turn.stage.map(JSONValue.string) ?? .null,
            "intent": scene.scenario.intent, "history": conversation.history, "known": ["paths": JSONValue(paths)],
        ]
        for player in scene.cast.guards {
            let verdict: JSONValue
            do throws(PlayerFailure) { verdict = try await player.call("check", view, turn: turn.number) } catch {
                throw error.ending(blaming: .infrastructure)
            }
            guard let passed = verdict["ok"]?.bool else {
                throw Ending(
                    .infrastructure, "\(player.title) returned \(verdict.compact.head(200)), which has no `ok`")
            }
            let reason = passed ? nil : verdict["reason"]?.string ?? "refused"
            try record(.guard(name: player.name, query: turn.text, passed: passed, reason: reason, turn: turn.number))
            if let reason { return .refused(reason) }
        }
        return .accepted
    }

    private mutating func deliver(_ turn: UserTurn) throws(Ending) -> TurnLoop.Event {
        var event = TraceEvent.userTurn(
            turn.text, decision: turn.origin == .simulator ? decision : nil, turn: turn.number)
        event.payload["origin"] = .string(turn.origin.rawValue)
        event.payload["stage"] = turn.stage.map { .string($0) }
        try record(event)
        conversation.begin(turn)
        self.turn = turn
        results = []
        events = 0
        note()
        return .delivered
    }
}

// MARK: - The agent's side

extension DialogueDriver {
    /// An answer that would end the turn while something has come in, or is still to come from sessions below, is said; then
    /// the agent reads that and answers again.
    private mutating func askAgent(turn number: Int, step: Int) async throws(Ending) -> TurnLoop.Event {
        await fireSchedule()
        try takeMail(turn: number)
        while true {
            let answer = try await answer(turn: number, step: step)
            guard case .say(let text, let reasoning) = answer else { return .answered(answer) }
            conversation.append(text, reasoning: reasoning)
            note()
            guard events < loop.limits.eventsPerTurn, await hasMail() else { return .answered(answer) }
            try takeMail(turn: number)
        }
    }

    private mutating func answer(turn number: Int, step: Int) async throws(Ending) -> AgentAnswer {
        let value: JSONValue
        do throws(PlayerFailure) {
            value = try await scene.cast.agent.call("next", view(forStep: step), turn: number)
        } catch { throw error.ending(blaming: .agentError) }
        let answer: AgentAnswer
        do throws(ContractBreach) { answer = try AgentAnswer(value) } catch {
            throw Ending(.agentError, "\(scene.cast.agent.title) \(error.reason)")
        }
        try recordAnswer(answer, turn: number)
        return answer
    }

    // MARK: From outside

    private func fireSchedule() async {
        for entry in scene.provision.schedule?.takeDue() ?? [] { await scene.provision.fire(entry) }
    }

    /// Waits for sessions below that are working: the turn is not over while somebody works for it.
    private func hasMail() async -> Bool {
        await fireSchedule()
        let mailbox = scene.session.mailbox
        if mailbox.isEmpty, scene.provision.desk?.isBusyBelow == true { await mailbox.wait() }
        return !mailbox.isEmpty && !Task.isCancelled
    }

    private mutating func takeMail(turn number: Int) throws(Ending) {
        // A session that waits for its next message takes it as a user's turn, not as something beside one.
        for message in scene.session.mailbox.take() {
            events += 1
            try record(.event(message.text, source: message.source, facts: message.facts, turn: number))
            conversation.append(event: message.text)
        }
    }

    /// Others may look at this dialogue.
    private func note() {
        guard let tree = scene.provision.desk?.tree else { return }
        scene.session.note(conversation.messages, counts, now: tree.now())
    }

    private func view(forStep step: Int) -> JSONValue {
        [
            "system": .string(scene.systemPrompt), "messages": .array(conversation.messages),
            "tools": .array(scene.cast.tools.definitions), "turn": .int(turn?.number ?? 0), "step": .int(step),
            "stage": turn?.stage.map(JSONValue.string) ?? .null, "stages": scene.playbook.forAgent,
            "results": .array(results.map(\.view)), "user": .string(turn?.text ?? ""),
        ]
    }

    private mutating func recordAnswer(_ answer: AgentAnswer, turn number: Int) throws(Ending) {
        let event: TraceEvent
        switch answer {
        case .calls(_, let text, let reasoning):
            event = .agentMessage(text, reasoning: reasoning, isFinal: false, turn: number)
        case .say(let text, let reasoning):
            event = .agentMessage(text, reasoning: reasoning, isFinal: true, turn: number)
        case .nothing(let reasoning):
            event = .agentMessage(nil, reasoning: reasoning, isFinal: false, turn: number)
        case .stop(let reason):
            event = .log("warn", "the agent stops: \(reason)", source: scene.cast.agent.name, turn: number)
        }
        answerEvent = try record(event)
    }

    private mutating func run(_ plan: CallPlan) async throws(Ending) -> TurnLoop.Event {
        let number = turn?.number ?? 0
        let calls = conversation.append(plan.run + plan.refused, text: plan.text, reasoning: plan.reasoning)
        let wanted = Array(calls.prefix(plan.run.count))
        var answers: [AnsweredCall] = []
        do throws(TraceError) {
            if scene.cast.tools.areParallel(wanted) {
                for result in try await scene.cast.tools.answer(together: wanted, turn: number, parent: answerEvent) {
                    take(result, &answers)
                }
            } else {
                for call in wanted where scene.workspace.isOpen {
                    take(try await scene.cast.tools.answer(call, turn: number, parent: answerEvent), &answers)
                }
            }
            for call in calls.dropFirst(plan.run.count) where scene.workspace.isOpen {
                take(
                    try scene.cast.tools.refuse(call, because: plan.refusal, turn: number, parent: answerEvent),
                    &answers)
            }
        } catch { throw Ending(error) }
        guard scene.workspace.isOpen else {
            let last = answers.last?.call.name ?? "no call"
            throw Ending(.infrastructure, "the workspace ended while `\(last)` ran")
        }
        // Behind all results: servers want those to follow the calls at once.
        if scene.cast.tools.seesImages {
            for result in results.suffix(answers.count) { conversation.append(images: result.images, of: result.call) }
        }
        note()
        return .callsAnswered(answers)
    }

    private mutating func take(_ result: ToolResult, _ answers: inout [AnsweredCall]) {
        conversation.append(answer: result.modelText, to: result.call)
        results.append(result)
        tally.count(result)
        answers.append(AnsweredCall(result.call.call, result: result.text))
    }

    private mutating func takeStock() async throws(Ending) -> TurnLoop.Event {
        let now: HomeSnapshot
        do throws(WorkspaceError) { now = try await .taken(of: scene.workspace, after: home) } catch {
            throw Ending(.infrastructure, "the files of the workspace cannot be listed: \(error.message)")
        }
        let digest = ExecutionDigest(calls: results.map { .init($0) }, files: home.changes(to: now))
        home = now
        conversation.close(digest)
        try record(.digest(digest.json, turn: turn?.number ?? 0))
        return .digested
    }
}

// MARK: - Recording

extension DialogueDriver {
    @discardableResult
    private func record(_ event: TraceEvent) throws(Ending) -> Int {
        do throws(TraceError) { return try scene.trace.append(event) } catch { throw Ending(error) }
    }

    private func log(_ text: String, _ answer: JSONValue, turn number: Int) throws(Ending) {
        try record(.log("info", text, source: scene.cast.simulator?.name ?? "simulator", fields: answer, turn: number))
    }
}

extension Ending {
    static let cancelled = Ending(.cancelled, "the run was cancelled")

    init(_ error: TraceError) { self.init(.infrastructure, "the trace cannot be written: \(error)") }
}
