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
