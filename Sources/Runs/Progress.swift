import Dialogue
import Synchronization

/// Where a run stands. Counting only; see ``ProgressDisplay`` for showing it.
public struct Progress: Sendable {
    public let planned: Int
    public private(set) var done = 0
    public private(set) var running = 0
    /// Of those done: ended otherwise than completed.
    public private(set) var failed = 0
    public private(set) var toolCalls = 0

    public init(planned: Int) { self.planned = planned }

    public mutating func start() { running += 1 }

    public mutating func finish(_ result: TrajectoryResult) {
        running -= 1
        done += 1
        if result.outcome != .completed { failed += 1 }
        toolCalls += result.counts.toolCalls
    }

    /// "37/200 done, 8 running, 1 failed, 412.0 calls/s, ETA 0:12".
    public func line(after elapsed: Duration) -> String {
        let rate = elapsed > .zero ? Double(toolCalls) / (elapsed / .seconds(1)) : 0
        let counts = "\(done)/\(planned) done, \(running) running, \(failed) failed, \(rate.fixed(1)) calls/s"
        guard done > 0, done < planned, running > 0 else { return counts }
        return counts + ", ETA \((elapsed * (planned - done) / done).clock)"
    }
}
