import JSON
import Trace

/// What one trajectory came to.
public struct TrajectoryResult: Sendable, Hashable {
    public var id: String
    public var outcome: Outcome
    public var reason: String
    /// Decided by the goals where there are some, otherwise by the simulator; nil when neither has spoken.
    public var success: Bool?
    /// The simulator's opinion, nil when it did not close the dialogue.
    public var simulatorSuccess: Bool?
    /// Empty when there are no goals, or when the workspace could not be asked.
    public var goals: [GoalResult] = []
    public var counts = Counts()
    public var wall: Duration = .zero
    /// Nil when the trace could not be finished.
    public var trace: TraceReceipt?

    public init(id: String, outcome: Outcome, reason: String) {
        self.id = id
        self.outcome = outcome
        self.reason = reason
    }

    public struct Counts: Sendable, Hashable {
        public var userTurns = 0
        /// Calls that were answered, those that were not run among them.
        public var toolCalls = 0
        /// Calls that gave an error or that the world refused.
        public var failures = 0
        /// Calls that worked after the last call of the same tool had failed.
        public var recoveries = 0
        /// Answers that a tool owes to a defect of its own. A trajectory that has any is no valid sample.
        public var pluginBugs = 0
        /// User turns that were asked for again: refused by a guard, empty, or unreadable.
        public var refusedProposals = 0
        public var emptyAnswers = 0
        public var agentTokens = 0
        public var simulatorTokens = 0

        public init() {}
    }
}

extension TrajectoryResult {
    mutating func end(_ ending: Ending) {
        outcome = ending.outcome
        reason = ending.reason
    }

    /// Lets the goals decide. They count in every dialogue whose workspace could be asked, but only one that the user has closed
    /// is `completed` or `failed` by them.
    mutating func decide() {
        success = goals.isEmpty ? simulatorSuccess : goals.allSatisfy(\.met)
        guard let success, outcome == .completed || outcome == .failed else { return }
        outcome = success ? .completed : .failed
        if let unmet = goals.first(where: { !$0.met }) {
            reason = "\(goals.count { !$0.met }) of \(goals.count) goals are not met: \(unmet.reason)"
        }
    }

    /// The `outcome` event.
    var event: TraceEvent {
        var facts: JSONObject = [:]
        facts["success"] = success.map { .bool($0) } ?? .null
        facts["simulator_success"] = simulatorSuccess.map { .bool($0) } ?? .null
        facts["goals"] = ["met": .int(goals.count(where: \.met)), "total": .int(goals.count)]
        facts["counts"] = counts.json
        return .outcome(outcome.rawValue, reason: reason, facts: facts)
    }
}

extension TrajectoryResult.Counts {
    public var json: JSONValue {
        [
            "user_turns": .int(userTurns), "tool_calls": .int(toolCalls), "failures": .int(failures),
            "recoveries": .int(recoveries), "plugin_bugs": .int(pluginBugs),
            "refused_proposals": .int(refusedProposals),
            "empty_answers": .int(emptyAnswers), "agent_tokens": .int(agentTokens),
            "simulator_tokens": .int(simulatorTokens),
        ]
    }
}
