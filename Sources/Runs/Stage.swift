import Dialogue
import Intents
import JSON
import Trace

/// Plays one intent after another, each on its own: what goes wrong with one is that one's outcome.
struct Stage: Sendable {
    let lineup: Lineup
    let restorer: TaskRestorer
    let seed: UInt64
    let directory: RunDirectory
    let redactor: Redactor
    let display: ProgressDisplay

    func play(_ record: IntentRecord) async -> TrajectoryResult {
        display.started()
        let result = await trajectory(of: record)
        display.finished(result)
        return result
    }

    private func trajectory(of record: IntentRecord) async -> TrajectoryResult {
        let trace: TraceWriter
        let tasks: [TaskInstance]
        do {
            tasks = try await restorer.tasks(of: record)
            trace = try TraceWriter(
                id: record.id, in: directory.trajectories, store: ContentStore(directory: directory.blobs),
                redactor: redactor)
        } catch {
            return TrajectoryResult(id: record.id, outcome: .infrastructure, reason: "it could not start: \(error)")
        }
        let scenario = Scenario(id: record.id, intent: record.normalized, tasks: tasks.map { .object($0.value) })
        return await lineup.next().run(scenario, seed: seed, trace: trace)
    }
}
