import JSON
import Skills
import Trace
import Workspaces

/// Runs trajectories, one workspace each. It keeps nothing that one trajectory could leave behind for the next.
public struct TrajectoryRunner: Sendable {
    public var casting: Casting
    public var host: WorkspaceHost
    /// Its bounds hold for every command that a tool runs.
    public var policy = PolicyFile()
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
    var probe: @Sendable (Workspace) async throws(WorkspaceError) -> LiveProbe = { (workspace) throws(WorkspaceError) in
        try await workspace.liveProbe()
    }

    public init(casting: Casting, host: WorkspaceHost, version: String) {
        self.casting = casting
        self.host = host
        self.version = version
    }

    /// Puts them on a command.
    var bound: @Sendable (inout ExecRequest) -> Void { { [policy] in policy.tighten(&$0) } }

    /// Nil: it could not be made. The trajectory goes no further then, nor when a wall is missing.
    func start(
        _ id: String, seed: UInt64, in workspace: Workspace?, _ record: (TraceEvent) throws(Ending) -> Void,
        adding facts: JSONObject = [:]
    ) async throws(Ending) {
        var probe: LiveProbe?
        var failure: WorkspaceError?
        do throws(WorkspaceError) {
            if let workspace {
                let found = try await self.probe(workspace)
                probe = found
                _ = try found.verified()
            }
        } catch { failure = error }
        var event = TraceEvent.start(
            trajectory: id, seed: seed, ise: version, isolation: host.isolation.json,
            policy: policy.digest.description, probe: probe?.json, settings: settings)
        for (key, value) in facts { event.payload[key] = value }
        try record(event)
        if let failure { throw Ending(.infrastructure, failure.message) }
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
