/// What one dialogue may use. Reaching a limit ends the trajectory with a typed ``Outcome``.
public struct DialogueLimits: Sendable, Hashable {
    /// User turns, the verification turn among them.
    public var userTurns = 20
    /// Answers of the agent within one user turn.
    public var stepsPerTurn = 40
    /// Tool calls of the whole dialogue.
    public var toolCalls = 400
    /// Tokens of agent and simulator together, as the endpoints report them.
    public var tokens = 2_000_000
    /// From the opening of the workspace on. A call that is running is not interrupted: it has its own timeout.
    public var wall: Duration = .seconds(3600)
    /// A stall: the same call with the same bytes this often in a row, or, with the same result, this often in one user turn.
    public var identicalCalls = 3
    /// How often one user turn is asked for again after a refusal.
    public var proposalRetries = 2
    /// How often the agent is asked again after an answer with neither text nor calls.
    public var emptyAnswerRetries = 2

    /// Messages from outside (scheduled ones, replies of sessions) that one user turn takes in.
    public var eventsPerTurn = 20
    public var sessions = SessionLimits()

    public init() {}
}

/// What the sessions below a dialogue may use.
public struct SessionLimits: Sendable, Hashable {
    /// Of one trajectory, over its whole life.
    public var count = 16
    public var atOnce = 4
    /// 1: a session below the main dialogue starts none of its own.
    public var depth = 1
    /// Of one session.
    public var wall: Duration = .seconds(900)
    public var toolCalls = 100
    public var turns = 10

    public init() {}
}

/// What a dialogue has used so far, measured outside of the state machine.
public struct Usage: Sendable, Hashable {
    public var elapsed: Duration
    public var tokens: Int

    public init(elapsed: Duration = .zero, tokens: Int = 0) {
        self.elapsed = elapsed
        self.tokens = tokens
    }
}
