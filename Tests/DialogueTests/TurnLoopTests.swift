import Testing

@testable import Dialogue

/// The rules of the dialogue, without plugins, models or workspaces.
struct TurnLoopTests {
    private func loop(_ change: (inout DialogueLimits) -> Void = { _ in }) -> TurnLoop {
        var limits = DialogueLimits()
        change(&limits)
        return TurnLoop(limits: limits)
    }

    private func ask(_ query: String, stage: String? = nil) -> TurnLoop.Event {
        .proposed(SimulatorDecision(completed: false, query: query, stage: stage))
    }

    private func done(success: Bool = true, _ reason: String = "all done") -> TurnLoop.Event {
        .proposed(SimulatorDecision(completed: true, query: "", reason: reason, isSuccess: success))
    }

    private func call(_ name: String = "exec", _ arguments: String) -> ProposedCall {
        ProposedCall(name: name, arguments: arguments)
    }

    private func calls(_ calls: ProposedCall...) -> TurnLoop.Event {
        .answered(.calls(calls, text: nil, reasoning: nil))
    }

    /// One whole user turn in which the agent only talks.
    @discardableResult
    private func turn(_ loop: inout TurnLoop, _ query: String, stage: String? = nil) -> TurnLoop.Step {
        _ = loop.advance(ask(query, stage: stage))
        _ = loop.advance(.accepted)
        _ = loop.advance(.delivered)
        _ = loop.advance(.answered(.say("ok", reasoning: nil)))
        return loop.advance(.digested)
    }

    // MARK: The way through a turn

    @Test func `A turn goes from proposal to digest and on to the next`() {
        var loop = loop()
        #expect(loop.start() == .propose(turn: 1, nil))
        let turn = UserTurn(number: 1, text: "count", stage: "1/count")
        #expect(loop.advance(ask("count", stage: "1/count")) == .check(turn))
        #expect(loop.advance(.accepted) == .deliver(turn))
        #expect(loop.advance(.delivered) == .askAgent(turn: 1, step: 1))
        let wc = call("exec", #"{"command":"wc"}"#)
        #expect(loop.advance(calls(wc)) == .run(CallPlan(run: [wc])))
        #expect(loop.advance(.callsAnswered([])) == .askAgent(turn: 1, step: 2))
        #expect(loop.advance(.answered(.say("3", reasoning: nil))) == .digest)
        #expect(loop.advance(.digested) == .propose(turn: 2, nil))
        #expect(loop.deliveredTurns == 1)
        #expect(loop.toolCalls == 1)
    }

    @Test func `Steps count anew in each user turn`() {
        var loop = loop()
        turn(&loop, "one")
        _ = loop.advance(ask("two"))
        _ = loop.advance(.accepted)
        #expect(loop.advance(.delivered) == .askAgent(turn: 2, step: 1))
    }

    // MARK: Completion and verification

    @Test func `A dialogue that had its verification turn completes at once`() {
        var loop = loop()
        turn(&loop, "work")
        turn(&loop, "check it", stage: "verify")
        #expect(loop.advance(done()) == .finish(Ending(.completed, "all done")))
        #expect(loop.simulatorSuccess == true)
    }

    @Test func `A simulator that closes without a check is asked for one`() {
        var loop = loop()
        turn(&loop, "work")
        #expect(loop.advance(done()) == .propose(turn: 2, .verifyFirst))
        let check = UserTurn(number: 2, text: "is it right?", stage: "verify")
        #expect(loop.advance(ask("is it right?", stage: "9/other")) == .check(check))
        _ = loop.advance(.accepted)
        _ = loop.advance(.delivered)
        _ = loop.advance(.answered(.say("yes", reasoning: nil)))
        _ = loop.advance(.digested)
        #expect(loop.advance(done()) == .finish(Ending(.completed, "all done")))
    }

    @Test func `A simulator that will not ask for a check gets one from the host`() throws {
        var loop = loop()
        turn(&loop, "work")
        _ = loop.advance(done())
        guard case .deliver(let check) = loop.advance(done()) else {
            Issue.record("no check turn")
            return
        }
        #expect(check.origin == .host)
        #expect(check.verifies)
        #expect(loop.advance(.delivered) == .askAgent(turn: 2, step: 1))
        _ = loop.advance(.answered(.say("checked", reasoning: nil)))
        _ = loop.advance(.digested)
        #expect(loop.advance(done()) == .finish(Ending(.completed, "all done")))
        #expect(loop.deliveredTurns == 2)
    }

    @Test func `A refused check is asked for again as a check`() {
        var loop = loop()
        turn(&loop, "work")
        _ = loop.advance(done())
        _ = loop.advance(ask("As an assistant, I can check"))
        #expect(loop.advance(.refused("assistant-speak")).isProposal)
        guard case .check(let turn) = loop.advance(ask("check it")) else {
            Issue.record("no turn to check")
            return
        }
        #expect(turn.verifies)
    }

    @Test func `After its verification turn the user may still go on`() {
        var loop = loop()
        turn(&loop, "work")
        turn(&loop, "check", stage: "verify")
        #expect(turn(&loop, "that is wrong, repair it") == .propose(turn: 4, nil))
        #expect(loop.advance(done()) == .finish(Ending(.completed, "all done")))
    }

    @Test func `Giving up needs no verification turn`() {
        var loop = loop()
        turn(&loop, "work")
        #expect(loop.advance(done(success: false, "impossible")) == .finish(Ending(.failed, "impossible")))
        #expect(loop.simulatorSuccess == false)
    }

    @Test func `A dialogue cannot be completed before it began`() {
        var loop = loop()
        guard case .propose(turn: 1, .refused) = loop.advance(done()) else {
            Issue.record("not asked again")
            return
        }
        #expect(loop.simulatorSuccess == nil)
    }

    // MARK: Refusals

    @Test func `A refused turn is asked for again with the reason and is not delivered`() {
        var loop = loop()
        _ = loop.advance(ask("I can help you with that"))
        #expect(
            loop.advance(.refused("assistant-speak"))
                == .propose(turn: 1, .refused(reason: "assistant-speak", query: "I can help you with that")))
        #expect(loop.refusedProposals == 1)
        #expect(loop.deliveredTurns == 0)
    }

    @Test func `An empty query and an unreadable answer count as refusals`() {
        var loop = loop()
        #expect(loop.advance(ask(" \n")) == .propose(turn: 1, .refused(reason: "the query is empty", query: nil)))
        #expect(
            loop.advance(.unreadableProposal("no JSON")) == .propose(turn: 1, .refused(reason: "no JSON", query: nil)))
        #expect(loop.refusedProposals == 2)
    }

    @Test(arguments: [0, 2]) func `Refusals beyond the limit end in a simulator error`(retries: Int) {
        var loop = loop { $0.proposalRetries = retries }
        for _ in 0..<retries {
            _ = loop.advance(ask("x"))
            #expect(loop.advance(.refused("no")).isProposal)
        }
        _ = loop.advance(ask("x"))
        #expect(loop.advance(.refused("no")).outcome == .simulatorError)
    }

    @Test func `Each turn has its own retries`() {
        var loop = loop { $0.proposalRetries = 1 }
        _ = loop.advance(ask("x"))
        _ = loop.advance(.refused("no"))
        turn(&loop, "good")
        _ = loop.advance(ask("x"))
        #expect(loop.advance(.refused("no")).isProposal)
        #expect(loop.refusedProposals == 2)
    }

    // MARK: Turn cap

    @Test func `Wanting a turn beyond the cap ends the dialogue`() {
        var loop = loop { $0.userTurns = 2 }
        turn(&loop, "one")
        #expect(turn(&loop, "two") == .propose(turn: 3, nil))
        #expect(loop.advance(ask("three")).outcome == .turnCap)
    }

    @Test func `A verified dialogue may complete at the cap`() {
        var loop = loop { $0.userTurns = 2 }
        turn(&loop, "one")
        turn(&loop, "check", stage: "verify")
        #expect(loop.advance(done()).outcome == .completed)
    }

    @Test func `No room for the verification turn is a turn cap`() {
        var loop = loop { $0.userTurns = 1 }
        turn(&loop, "one")
        #expect(loop.advance(done()).outcome == .turnCap)
    }

    // MARK: Stall

    /// A loop in which the agent is about to answer.
    private func agentsTurn(_ change: (inout DialogueLimits) -> Void = { _ in }) -> TurnLoop {
        var loop = loop(change)
        _ = loop.advance(ask("work"))
        _ = loop.advance(.accepted)
        _ = loop.advance(.delivered)
        return loop
    }

    @Test func `The same call three times in a row is a stall`() {
        var loop = agentsTurn()
        for _ in 0..<2 {
            _ = loop.advance(calls(call("exec", "{}")))
            #expect(loop.advance(.callsAnswered([])).isAgent)
        }
        #expect(
            loop.advance(calls(call("exec", "{}")))
                == .run(CallPlan(run: [call("exec", "{}")], refusal: loop.stallRefusal)))
        #expect(loop.advance(.callsAnswered([])).outcome == .stalled)
    }

    @Test func `Ids do not make calls different`() {
        var loop = agentsTurn()
        for id in ["a", "b", "c"] {
            _ = loop.advance(calls(ProposedCall(id: id, name: "exec", arguments: "{}")))
        }
        #expect(loop.advance(.callsAnswered([])).outcome == .stalled)
    }

    @Test func `Another call or one other byte between breaks the row`() {
        var loop = agentsTurn()
        for arguments in ["{}", "{}", "{ }", "{}", "{}"] {
            _ = loop.advance(calls(call("exec", arguments)))
            #expect(loop.advance(.callsAnswered([])).isAgent)
        }
        _ = loop.advance(calls(call("read", "{}")))
        #expect(loop.advance(.callsAnswered([])).isAgent)
    }

    @Test func `Going round in a circle is a stall, the same call with other results is not`() {
        var circling = agentsTurn()
        for round in 1...3 {
            for name in ["read", "write"] {
                let call = call(name, "{}")
                _ = circling.advance(calls(call))
                let step = circling.advance(.callsAnswered([AnsweredCall(call, result: "the same")]))
                if round == 3, name == "read" {
                    #expect(step.outcome == .stalled)
                } else if round < 3 {
                    #expect(step.isAgent)
                }
            }
        }
        var progressing = agentsTurn()
        for round in 1...6 {
            for name in ["exec", "edit"] {
                let call = call(name, "{}")
                _ = progressing.advance(calls(call))
                #expect(progressing.advance(.callsAnswered([AnsweredCall(call, result: "round \(round)")])).isAgent)
            }
        }
    }

    @Test func `A direct query is said once, without a simulator or a check`() {
        var loop = TurnLoop(limits: DialogueLimits(), query: "How many files?")
        #expect(loop.start() == .deliver(UserTurn(number: 1, text: "How many files?", origin: .record)))
        #expect(loop.advance(.delivered).isAgent)
        _ = loop.advance(.answered(.say("None.", reasoning: nil)))
        #expect(loop.advance(.digested).outcome == .completed)
        #expect(loop.deliveredTurns == 1)
    }

    @Test func `A row goes on over user turns`() {
        var loop = agentsTurn()
        _ = loop.advance(calls(call("exec", "{}"), call("exec", "{}")))
        _ = loop.advance(.callsAnswered([]))
        _ = loop.advance(.answered(.say("ok", reasoning: nil)))
        _ = loop.advance(.digested)
        _ = loop.advance(ask("again"))
        _ = loop.advance(.accepted)
        _ = loop.advance(.delivered)
        _ = loop.advance(calls(call("exec", "{}")))
        #expect(loop.advance(.callsAnswered([])).outcome == .stalled)
    }

    @Test func `Calls after the stalling one of the same answer are refused`() {
        var loop = agentsTurn()
        let same = call("exec", "{}")
        let other = call("read", "{}")
        guard case .run(let plan) = loop.advance(calls(same, same, same, other)) else {
            Issue.record("no plan")
            return
        }
        #expect(plan.run == [same, same, same])
        #expect(plan.refused == [other])
        #expect(plan.refusal.hasPrefix("not run: "))
    }

    // MARK: Budgets

    @Test func `Calls beyond the budget are refused and end the dialogue`() {
        var loop = agentsTurn { $0.toolCalls = 2 }
        let wanted = (1...4).map { call("exec", "\($0)") }
        guard case .run(let plan) = loop.advance(.answered(.calls(wanted, text: nil, reasoning: nil))) else {
            Issue.record("no plan")
            return
        }
        #expect(plan.run == Array(wanted[..<2]))
        #expect(plan.refused == Array(wanted[2...]))
        #expect(loop.toolCalls == 2)
        #expect(loop.advance(.callsAnswered([])).outcome == .budget)
    }

    @Test func `A budget that is just enough does not end the dialogue`() {
        var loop = agentsTurn { $0.toolCalls = 2 }
        _ = loop.advance(calls(call("exec", "1"), call("exec", "2")))
        #expect(loop.advance(.callsAnswered([])).isAgent)
    }

    @Test func `Too many steps in one user turn spend the budget`() {
        var loop = agentsTurn { $0.stepsPerTurn = 2 }
        _ = loop.advance(calls(call("exec", "1")))
        #expect(loop.advance(.callsAnswered([])) == .askAgent(turn: 1, step: 2))
        _ = loop.advance(calls(call("exec", "2")))
        #expect(loop.advance(.callsAnswered([])).outcome == .budget)
    }

    @Test func `Spent wall time and tokens end the dialogue at any event`() {
        for usage in [Usage(elapsed: .seconds(10)), Usage(tokens: 101)] {
            var loop = agentsTurn {
                $0.wall = .seconds(10)
                $0.tokens = 100
            }
            #expect(loop.advance(.answered(.say("x", reasoning: nil)), usage: usage).outcome == .budget)
        }
        var loop = agentsTurn { $0.tokens = 100 }
        #expect(loop.advance(.answered(.say("x", reasoning: nil)), usage: Usage(tokens: 100)) == .digest)
    }

    // MARK: The agent's faults

    @Test func `An answer with nothing in it is asked for again, then is an agent error`() {
        var loop = agentsTurn { $0.emptyAnswerRetries = 2 }
        #expect(loop.advance(.answered(.nothing(reasoning: nil))) == .askAgent(turn: 1, step: 2))
        #expect(loop.advance(.answered(.nothing(reasoning: nil))).isAgent)
        #expect(loop.advance(.answered(.nothing(reasoning: nil))).outcome == .agentError)
        #expect(loop.emptyAnswers == 3)
    }

    @Test func `Calls between empty answers start the count anew`() {
        var loop = agentsTurn { $0.emptyAnswerRetries = 1 }
        _ = loop.advance(.answered(.nothing(reasoning: nil)))
        _ = loop.advance(calls(call("exec", "1")))
        _ = loop.advance(.callsAnswered([]))
        #expect(loop.advance(.answered(.nothing(reasoning: nil))).isAgent)
    }

    @Test func `An agent that stops is an agent error with its reason`() {
        var loop = agentsTurn()
        #expect(loop.advance(.answered(.stop("lost"))) == .finish(Ending(.agentError, "the agent stopped: lost")))
    }

    @Test(arguments: Outcome.allCases) func `An ending from outside is final`(outcome: Outcome) {
        var loop = agentsTurn { $0.wall = .zero }
        #expect(loop.advance(.ended(Ending(outcome, "why"))) == .finish(Ending(outcome, "why")))
    }
}

extension TurnLoop {
    fileprivate var stallRefusal: String { "not run: `exec` was called 3 times in a row with the same arguments" }
}

extension TurnLoop.Step {
    fileprivate var outcome: Outcome? {
        if case .finish(let ending) = self { ending.outcome } else { nil }
    }

    fileprivate var isProposal: Bool {
        if case .propose = self { true } else { false }
    }

    fileprivate var isAgent: Bool {
        if case .askAgent = self { true } else { false }
    }
}
