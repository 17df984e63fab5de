import JSON
import Skills
import Trace
import Workspaces

/// Runs trajectories, one workspace each. It keeps nothing that one trajectory could leave behind for the next.
public struct TrajectoryRunner: Sendable {
    public var casting: Casting
    public var host: WorkspaceHost
    public var policy = Policy()
    /// Puts bounds on every command that a tool runs.
    public var bound: (@Sendable (inout ExecRequest) -> Void)?
    public var limits = DialogueLimits()
    /// Nil: the agent gets none.
    public var skills: SkillShelf?
    /// The run's configuration, for the `start` event.
    public var settings: JSONValue = [:]
    /// `Plugin.sources(of:)` of the casting's, so that not every trajectory gathers them.
    public var pluginSources: [UInt8]?
    /// What the trace is to say beside its plugins, such as an edit that could not be taken over.
    public var notes: [String] = []
    /// Of ISE, for the `start` event.
    public var version: String

    public init(casting: Casting, host: WorkspaceHost, version: String) {
        self.casting = casting
        self.host = host
        self.version = version
    }

    /// Runs one trajectory to its end and finishes its trace. Never throws: whatever goes wrong is an outcome. After
    /// cancellation it ends with the next step, as `cancelled`.
    /// - Parameter seed: of the run; what the plugins draw depends on it and on the scenario's id.
    public func run(_ scenario: Scenario, seed: UInt64, trace: TraceWriter) async -> TrajectoryResult {
        let trajectory = Trajectory(runner: self, scenario: scenario, seed: seed, trace: trace)
        var result = await trajectory.run()
        do throws(TraceError) { result.trace = try await finish(trace, result) } catch { result.end(Ending(error)) }
        return result
    }

    private func finish(_ trace: TraceWriter, _ result: TrajectoryResult) async throws(TraceError) -> TraceReceipt {
        try trace.append(result.event)
        return try await trace.finish(outcome: result.outcome.rawValue)
    }
}
