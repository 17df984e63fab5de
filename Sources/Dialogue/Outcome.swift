/// How a trajectory ended. Every trajectory has exactly one.
public enum Outcome: String, Sendable, Hashable, CaseIterable {
    /// The user closed the dialogue after a verification turn, and it was a success (see ``TrajectoryResult/success``).
    case completed
    /// The user closed the dialogue, and it was no success.
    case failed
    /// The user wanted one more turn than the cap allows.
    case turnCap = "turn_cap"
    /// The agent made the same call, byte for byte, too often in a row.
    case stalled
    /// Wall time, tokens, tool calls or agent steps were spent.
    case budget
    /// The agent stopped, broke its contract or kept answering with nothing.
    case agentError = "agent_error"
    /// The simulator broke its contract, or kept proposing turns that the guards refuse.
    case simulatorError = "simulator_error"
    /// The workspace, a model endpoint, a guard or the trace failed: nobody in the dialogue is to blame.
    case infrastructure
    case cancelled
}

/// An outcome with the sentence that explains it.
public struct Ending: Sendable, Hashable, Error {
    public var outcome: Outcome
    public var reason: String

    public init(_ outcome: Outcome, _ reason: String) {
        self.outcome = outcome
        self.reason = reason
    }
}
