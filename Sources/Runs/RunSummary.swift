import Dialogue
import JSON

/// What a run came to.
public struct RunSummary: Sendable {
    /// Trajectories that were to be made.
    public var planned: Int
    /// In the order of the intents; those that were never started are missing.
    public var results: [TrajectoryResult]
    /// Lines of the intents file that were no usable record.
    public var badLines: Int
    public var wall: Duration
    /// The run's directory.
    public var out: String

    public init(planned: Int, results: [TrajectoryResult], badLines: Int = 0, wall: Duration, out: String) {
        self.planned = planned
        self.results = results
        self.badLines = badLines
        self.wall = wall
        self.out = out
    }

    /// How many ended in which way, in the order of ``Outcome``; only those that occurred.
    public var outcomes: [(outcome: Outcome, count: Int)] {
        Outcome.allCases.map { outcome in (outcome, results.count { $0.outcome == outcome }) }.filter { $0.1 > 0 }
    }

    public var notStarted: Int { planned - results.count }
    public var toolCalls: Int { total(\.toolCalls) }
    public var failures: Int { total(\.failures) }
    public var recoveries: Int { total(\.recoveries) }
    public var userTurns: Int { total(\.userTurns) }
    public var userTurnsMean: Double { results.isEmpty ? 0 : Double(userTurns) / Double(results.count) }
    public var goals: Int { results.reduce(0) { $0 + $1.goals.count } }
    public var goalsMet: Int { results.reduce(0) { $0 + $1.goals.count(where: \.met) } }

    private func total(_ count: (TrajectoryResult.Counts) -> Int) -> Int {
        results.reduce(0) { $0 + count($1.counts) }
    }
}

// MARK: - For programs

extension RunSummary {
    /// The one object that `ise run --json` prints.
    public var json: JSONValue {
        let outcomes = JSONObject(outcomes.map { ($0.outcome.rawValue, .int($0.count)) })
        return [
            "planned": .int(planned), "outcomes": .object(outcomes),
            "user_turns_mean": .double(Self.rounded(userTurnsMean)), "tool_calls": .int(toolCalls),
            "failures": .int(failures), "recoveries": .int(recoveries),
            "wall_seconds": .double(Self.rounded(wall / .seconds(1))), "out": .string(out),
            "not_started": .int(notStarted), "bad_lines": .int(badLines), "goals": .int(goals),
            "goals_met": .int(goalsMet),
        ]
    }

    /// What `summary.json` holds: the object above, and a line for each trajectory.
    public var report: JSONValue {
        var report = json
        report["trajectories"] = .array(results.map(Self.entry))
        return report
    }

    private static func entry(_ result: TrajectoryResult) -> JSONValue {
        [
            "id": .string(result.id), "outcome": .string(result.outcome.rawValue), "reason": .string(result.reason),
            "success": result.success.map(JSONValue.bool) ?? nil,
            "simulator_success": result.simulatorSuccess.map(JSONValue.bool) ?? nil,
            "goals": .int(result.goals.count), "goals_met": .int(result.goals.count(where: \.met)),
            "user_turns": .int(result.counts.userTurns), "tool_calls": .int(result.counts.toolCalls),
            "failures": .int(result.counts.failures), "recoveries": .int(result.counts.recoveries),
            "wall_seconds": .double(rounded(result.wall / .seconds(1))),
        ]
    }

    private static func rounded(_ number: Double) -> Double { (number * 1000).rounded() / 1000 }
}

// MARK: - For people

extension RunSummary {
    private static let maximumRemarks = 8

    /// Why trajectories did not complete: one sentence a reason, with an example to look at.
    public var remarks: [String] {
        var reasons: [(result: TrajectoryResult, count: Int)] = []
        for result in results where result.outcome != .completed {
            let known = reasons.firstIndex { $0.result.outcome == result.outcome && $0.result.reason == result.reason }
            if let known { reasons[known].count += 1 } else { reasons.append((result, 1)) }
        }
        let shown = reasons.prefix(Self.maximumRemarks).map { reason in
            let others = reason.count == 1 ? "" : " (and \(reason.count - 1) more)"
            return "\(reason.result.id)\(others): \(reason.result.outcome.rawValue): \(reason.result.reason)"
        }
        let rest = reasons.count - shown.count
        return rest > 0 ? shown + ["\(rest) more reasons are in summary.json"] : shown
    }

    /// The table at the end of a run.
    public var table: String {
        let outcomeRows = outcomes.map { ("  \($0.outcome.rawValue)", String($0.count)) }
        var rows = [("trajectories", "\(results.count) of \(planned)")] + outcomeRows
        if notStarted > 0 { rows.append(("  not started", String(notStarted))) }
        if badLines > 0 { rows.append(("bad lines", String(badLines))) }
        rows.append(("user turns", "\(userTurns) (mean \(userTurnsMean.fixed(2)))"))
        rows.append(("tool calls", String(toolCalls)))
        rows.append(("  failed", String(failures)))
        rows.append(("  recovered", String(recoveries)))
        if goals > 0 { rows.append(("goals met", "\(goalsMet) of \(goals)")) }
        rows.append(("wall", wall.forPeople))
        rows.append(("files", out))
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { $0.0 + String(repeating: " ", count: width - $0.0.count + 2) + $0.1 }.joined(separator: "\n")
    }
}

extension Duration {
    /// "8.4 s", "3:07", "1:02:09".
    var forPeople: String {
        guard self >= .seconds(60) else { return "\((self / .seconds(1)).fixed(1)) s" }
        return clock
    }

    /// "0:08", "3:07", "1:02:09".
    var clock: String {
        func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
        let whole = Int((self / .seconds(1)).rounded())
        let minutes = whole / 60 % 60
        return whole < 3600
            ? "\(minutes):\(padded(whole % 60))" : "\(whole / 3600):\(padded(minutes)):\(padded(whole % 60))"
    }
}

extension Double {
    /// With so many digits after the point.
    func fixed(_ digits: Int) -> String {
        let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
        let scaled = (magnitude * scale).rounded()
        guard isFinite, scaled < 1e15 else { return description }
        let sign = self < 0 && scaled > 0 ? "-" : ""
        let text = String(Int(scaled))
        guard digits > 0 else { return sign + text }
        let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
        return sign + padded.dropLast(digits) + "." + padded.suffix(digits)
    }
}
