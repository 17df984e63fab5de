@testable import Dialogue
import JSON
import Synchronization
import Testing

@testable import Runs

@Suite struct SummaryTests {
    private func result(_ id: String, _ outcome: Outcome, turns: Int = 8) -> TrajectoryResult {
        var result = TrajectoryResult(id: id, outcome: outcome, reason: "because")
        result.counts.userTurns = turns
        result.counts.toolCalls = 10
        result.counts.failures = 2
        result.counts.recoveries = 1
        result.wall = .milliseconds(1500)
        return result
    }

    private var summary: RunSummary {
        RunSummary(
            planned: 5, results: [result("a", .completed), result("b", .stalled, turns: 3), result("c", .completed)],
            badLines: 2, wall: .milliseconds(83_456), out: "runs/x")
    }

    @Test func `the object for programs has the promised keys`() {
        let json = summary.json
        let keys = [
            "planned", "outcomes", "user_turns_mean", "tool_calls", "failures", "recoveries", "wall_seconds", "out",
        ]
        #expect(Array(json.object?.keys.prefix(keys.count) ?? []) == keys)
        #expect(json["planned"] == 5)
        #expect(json["outcomes"] == ["completed": 2, "stalled": 1])
        #expect(json["user_turns_mean"] == 6.333)
        #expect(json["tool_calls"] == 30)
        #expect(json["failures"] == 6)
        #expect(json["recoveries"] == 3)
        #expect(json["wall_seconds"] == 83.456)
        #expect(json["out"] == "runs/x")
        #expect(json["not_started"] == 2)
        #expect(json["bad_lines"] == 2)
        #expect(!json.compact.contains("\n"))
    }

    @Test func `the report has a line for each trajectory, in order`() {
        let trajectories = summary.report["trajectories"]?.array ?? []
        #expect(trajectories.compactMap { $0["id"]?.string } == ["a", "b", "c"])
        #expect(trajectories[1]["outcome"] == "stalled")
        #expect(trajectories[1]["user_turns"] == 3)
        #expect(trajectories[1]["success"] == .null)
    }

    @Test func `the table shows what was made and what not`() {
        let rows = summary.table.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(
            rows == [
                "trajectories 3 of 5", "completed 2", "stalled 1", "not started 2", "bad lines 2",
                "user turns 19 (mean 6.33)", "tool calls 30", "failed 6", "recovered 3", "wall 1:23", "files runs/x",
            ])
    }

    @Test func `what didn't complete is explained, equal reasons once`() {
        var summary = summary
        #expect(summary.remarks == ["b: stalled: because"])
        summary.results += (0..<20).map { result("x\($0)", .infrastructure) }
        #expect(summary.remarks.last == "x0 (and 19 more): infrastructure: because")
        for index in 0..<20 { summary.results[3 + index].reason = "reason \(index)" }
        #expect(summary.remarks.count == 9)
        #expect(summary.remarks.last == "13 more reasons are in summary.json")
    }

    @Test func `a run without trajectories has a mean of zero`() {
        let empty = RunSummary(planned: 0, results: [], wall: .zero, out: "x")
        #expect(empty.json["user_turns_mean"] == 0.0)
        #expect(empty.json["outcomes"] == [:])
    }

    @Test func `progress counts what runs and tells when it will be done`() {
        var progress = Progress(planned: 4)
        for _ in 0..<3 { progress.start() }
        progress.finish(result("a", .completed))
        progress.finish(result("b", .budget))
        #expect(progress.line(after: .seconds(10)) == "2/4 done, 1 running, 1 failed, 2.0 calls/s, ETA 0:10")
    }

    @Test func `when piped, each line of progress is whole and without control codes`() async {
        let output = Mutex("")
        let display = ProgressDisplay(planned: 1, isTerminal: false) { text in output.withLock { $0 += text } }
        await display.during {
            display.started()
            display.note("line 3: bad")
            display.finished(result("a", .completed))
        }
        let lines = output.withLock { $0 }.split(separator: "\n")
        #expect(lines.first == "line 3: bad")
        #expect(lines.last?.hasPrefix("1/1 done, 0 running, 0 failed") == true)
        #expect(output.withLock { !$0.contains("\u{1B}") && !$0.contains("\r") })
    }

    @Test func `on a terminal a note doesn't mix with the live line`() async {
        let output = Mutex("")
        let display = ProgressDisplay(planned: 1, isTerminal: true) { text in output.withLock { $0 += text } }
        await display.during { display.note("hello") }
        let shown = output.withLock { $0 }
        let before = shown.prefix(upTo: shown.firstRange(of: "hello")?.lowerBound ?? shown.startIndex)
        #expect(before.isEmpty || before.hasSuffix("\r\u{1B}[K"))
        #expect(shown.hasSuffix("calls/s\n"))
    }

    @Test(arguments: [
        (0.0, 2, "0.00"), (6.333, 2, "6.33"), (99.999, 1, "100.0"), (-0.5, 1, "-0.5"), (0.05, 2, "0.05"), (7.0, 0, "7"),
    ])
    func `numbers are written with fixed digits`(number: Double, digits: Int, text: String) {
        #expect(number.fixed(digits) == text)
    }

    @Test(arguments: [(8.44, "8.4 s"), (59.9, "59.9 s"), (187, "3:07"), (3729, "1:02:09")] as [(Double, String)])
    func `durations are written for people`(seconds: Double, text: String) {
        #expect(Duration.seconds(seconds).forPeople == text)
    }
}
