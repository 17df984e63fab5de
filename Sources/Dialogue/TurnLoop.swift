/// Decides what happens next in a dialogue. It waits for nobody and touches nothing: the driver does each ``Step`` and
/// reports its result as an ``Event``, so every rule can be tested without a plugin, a model or a workspace.
///
///     propose -> check -> deliver -> ask the agent <-> run calls -> digest -> propose ...
public struct TurnLoop: Sendable {
    /// What the driver must do.
    public enum Step: Sendable, Hashable {
        /// Ask the simulator for user turn `turn`.
        case propose(turn: Int, ProposalNote?)
        /// Let the guards read the turn.
        case check(UserTurn)
        /// Send the turn to the agent: it is part of the dialogue now.
        case deliver(UserTurn)
        /// Ask the agent. `step` is 1-based within the user turn.
        case askAgent(turn: Int, step: Int)
        /// Run the calls, answer those that are not run.
        case run(CallPlan)
        /// The user turn is over: take stock of it.
        case digest
        case finish(Ending)
    }

    /// What happened.
    public enum Event: Sendable, Hashable {
        case proposed(SimulatorDecision)
        /// The simulator's answer was no decision, but asking again may help.
        case unreadableProposal(String)
        case accepted
        case refused(String)
        case delivered
        case answered(AgentAnswer)
        case callsAnswered([AnsweredCall])
        case digested
        /// Something outside of these rules ended the dialogue.
        case ended(Ending)
    }

    public let limits: DialogueLimits
    /// A direct query is said as it is, and the dialogue ends with its answer: nobody simulates the user.
    public let query: String?
    public private(set) var deliveredTurns = 0
    public private(set) var toolCalls = 0
    /// Turns that were asked for again.
    public private(set) var refusedProposals = 0
    public private(set) var emptyAnswers = 0
    /// The simulator's `is_success`, once it has closed the dialogue.
    public private(set) var simulatorSuccess: Bool?

    private var proposal: UserTurn?
    private var refusalsOfThisTurn = 0
    private var askedToVerify = false
    private var hasVerified = false
    private var step = 0
    private var emptyInARow = 0
    private var repetition = Repetition()
    /// How often each call has had the same result in this user turn.
    private var sameResults: [AnsweredCall: Int] = [:]
    private var endingAfterCalls: Ending?
    /// Of the query.
    private let stage: String?

    /// - Parameters:
    ///   - stage: of the playbook that the query belongs to.
    ///   - deliveredTurns: user turns that went before, in an earlier loop over the same conversation.
    public init(limits: DialogueLimits, query: String? = nil, stage: String? = nil, deliveredTurns: Int = 0) {
        self.limits = limits
        self.query = query
        self.stage = stage
        self.deliveredTurns = deliveredTurns
    }

    /// The first step.
    public func start() -> Step {
        guard let query else { return .propose(turn: 1, nil) }
        return .deliver(UserTurn(number: deliveredTurns + 1, text: query, stage: stage, origin: .record))
    }

    /// `usage` is read at the moment of the event; a spent budget ends the dialogue whatever has happened.
    public mutating func advance(_ event: Event, usage: Usage = .init()) -> Step {
        if case .ended(let ending) = event { return .finish(ending) }
        if let ending = spent(usage) { return .finish(ending) }
        switch event {
        case .proposed(let decision): return decision.completed ? close(decision) : consider(decision)
        case .unreadableProposal(let reason): return refuse(reason, query: nil)
        case .accepted: return proposal.map(Step.deliver) ?? proposeNext()
        case .refused(let reason): return refuse(reason, query: proposal?.text)
        case .delivered: return startTurn()
        case .answered(let answer): return handle(answer)
        case .callsAnswered(let answers): return (endingAfterCalls ?? circling(answers)).map(Step.finish) ?? askAgent()
        case .digested: return query == nil ? proposeNext() : .finish(Ending(.completed, "the query is answered"))
        case .ended(let ending): return .finish(ending)
        }
    }
}

/// Why a turn is asked for once more.
public enum ProposalNote: Sendable, Hashable {
    case refused(reason: String, query: String?)
    /// The simulator wants to close the dialogue; first it must ask for a check, once.
    case verifyFirst
}

/// Which of the calls of one answer are run. Every call gets an answer.
public struct CallPlan: Sendable, Hashable {
    /// What the agent said beside them.
    public var text: String?
    public var reasoning: String?
    public var run: [ProposedCall]
    public var refused: [ProposedCall] = []
    /// What the agent is told about the refused calls.
    public var refusal = ""
}

// MARK: - The user's side

extension TurnLoop {
    private func proposeNext(_ note: ProposalNote? = nil) -> Step { .propose(turn: deliveredTurns + 1, note) }

    private mutating func consider(_ decision: SimulatorDecision) -> Step {
        guard deliveredTurns < limits.userTurns else { return .finish(turnCap) }
        guard let text = decision.query.nonBlank else { return refuse("the query is empty", query: nil) }
        let stage = askedToVerify && !hasVerified ? UserTurn.verifyStage : decision.stage
        let turn = UserTurn(number: deliveredTurns + 1, text: text, stage: stage, origin: .simulator)
        proposal = turn
        return .check(turn)
    }

    /// The simulator says that the dialogue is over.
    private mutating func close(_ decision: SimulatorDecision) -> Step {
        guard deliveredTurns > 0 else {
            return refuse("the dialogue cannot be completed before its first turn", query: nil)
        }
        if hasVerified || !decision.isSuccess {
            simulatorSuccess = decision.isSuccess
            return .finish(Ending(decision.isSuccess ? .completed : .failed, decision.reason))
        }
        guard deliveredTurns < limits.userTurns else { return .finish(turnCap) }
        if askedToVerify {
            let check = UserTurn.plainCheck(number: deliveredTurns + 1)
            proposal = check
            return .deliver(check)
        }
        askedToVerify = true
        return proposeNext(.verifyFirst)
    }

    private mutating func refuse(_ reason: String, query: String?) -> Step {
        proposal = nil
        refusedProposals += 1
        refusalsOfThisTurn += 1
        guard refusalsOfThisTurn <= limits.proposalRetries else {
            let ending =
                "\(refusalsOfThisTurn) proposals for user turn \(deliveredTurns + 1) were refused; the last: \(reason)"
            return .finish(Ending(.simulatorError, ending))
        }
        return proposeNext(.refused(reason: reason, query: query))
    }

    private var turnCap: Ending {
        Ending(.turnCap, "the dialogue is not completed after \(limits.userTurns) user turns")
    }
}

// MARK: - The agent's side

extension TurnLoop {
    private mutating func startTurn() -> Step {
        deliveredTurns += 1
        if let proposal, proposal.verifies { hasVerified = true }
        proposal = nil
        refusalsOfThisTurn = 0
        emptyInARow = 0
        step = 0
        sameResults = [:]
        return askAgent()
    }

    private mutating func askAgent() -> Step {
        guard step < limits.stepsPerTurn else {
            return .finish(Ending(.budget, "the agent took \(step) steps in user turn \(deliveredTurns)"))
        }
        step += 1
        return .askAgent(turn: deliveredTurns, step: step)
    }

    private mutating func handle(_ answer: AgentAnswer) -> Step {
        switch answer {
        case .say: return .digest
        case .stop(let reason): return .finish(Ending(.agentError, "the agent stopped: \(reason)"))
        case .calls(let calls, let text, let reasoning):
            emptyInARow = 0
            var plan = plan(calls)
            plan.text = text
            plan.reasoning = reasoning
            return .run(plan)
        case .nothing:
            emptyAnswers += 1
            emptyInARow += 1
            guard emptyInARow <= limits.emptyAnswerRetries else {
                let reason = "the agent answered \(emptyInARow) times in a row with neither text nor tool calls"
                return .finish(Ending(.agentError, reason))
            }
            return askAgent()
        }
    }

    /// Runs calls up to the one that stalls the dialogue or spends the budget.
    private mutating func plan(_ calls: [ProposedCall]) -> CallPlan {
        for (index, call) in calls.enumerated() {
            if toolCalls == limits.toolCalls {
                endingAfterCalls = Ending(.budget, "the budget of \(limits.toolCalls) tool calls is spent")
                return split(calls, at: index)
            }
            toolCalls += 1
            if repetition.count(call) == limits.identicalCalls {
                endingAfterCalls = Ending(
                    .stalled,
                    "`\(call.name)` was called \(limits.identicalCalls) times in a row with the same arguments")
                return split(calls, at: index + 1)
            }
        }
        return CallPlan(run: calls)
    }

    /// An agent that goes round in a circle repeats calls, though not one after the other. The same call with another result (tests
    /// between two edits) is no circle.
    private mutating func circling(_ answers: [AnsweredCall]) -> Ending? {
        for answer in answers {
            sameResults[answer, default: 0] += 1
            if sameResults[answer] == limits.identicalCalls {
                return Ending(
                    .stalled,
                    "`\(answer.call.name)` was called \(limits.identicalCalls) times in user turn \(deliveredTurns) with the "
                        + "same arguments and the same result")
            }
        }
        return nil
    }

    private func split(_ calls: [ProposedCall], at index: Int) -> CallPlan {
        CallPlan(
            run: Array(calls[..<index]), refused: Array(calls[index...]),
            refusal: "not run: \(endingAfterCalls?.reason ?? "")")
    }
}

// MARK: - Budgets

extension TurnLoop {
    private func spent(_ usage: Usage) -> Ending? {
        if usage.elapsed >= limits.wall {
            return Ending(.budget, "the wall time of \(limits.wall) is spent")
        }
        if usage.tokens > limits.tokens {
            return Ending(.budget, "\(usage.tokens) tokens used, \(limits.tokens) allowed")
        }
        return nil
    }
}

/// A call and what came of it.
public struct AnsweredCall: Sendable, Hashable {
    public var call: ProposedCall
    public var result: String

    /// The call's id, which is another each time, does not count.
    public init(_ call: ProposedCall, result: String) {
        self.call = call
        self.call.id = nil
        self.result = result
    }
}

/// Counts how often the same call was made in a row.
private struct Repetition: Sendable {
    private var last: ProposedCall?
    private var times = 0

    /// How often `call` now stands in a row.
    mutating func count(_ call: ProposedCall) -> Int {
        var call = call
        call.id = nil
        times = call == last ? times + 1 : 1
        last = call
        return times
    }
}
