import JSON
import Synchronization
import TestSupport
import Trace

/// A directory with a store and a clock that ticks by 1 ms.
struct TraceBench: Sendable {
    let directory: TemporaryDirectory
    let store: ContentStore
    private let clock = Ticker()

    init() throws {
        directory = try TemporaryDirectory()
        store = ContentStore(directory: directory.file("blobs"))
    }

    func writer(
        _ id: String = "t1", secrets: [Redactor.Secret] = [], existing: TraceWriter.ExistingPartial = .refuse
    ) throws(TraceError) -> TraceWriter {
        try TraceWriter(
            id: id, in: directory.path, store: store, redactor: Redactor(secrets: secrets), existing: existing,
            now: { [clock] in clock.tick() })
    }

    /// A finished trace with two user turns, a call that fails and one that works, and a blob.
    @discardableResult
    func finishedTrace(_ id: String = "t1") async throws -> TraceReceipt {
        let writer = try writer(id)
        try Self.writeDialogue(to: writer)
        return try await writer.finish(outcome: "completed")
    }

    static func writeDialogue(to writer: TraceWriter) throws(TraceError) {
        try writer.append(
            .start(
                trajectory: writer.id, seed: 7, ise: "0.1.0", isolation: ["level": "full"], policy: "sha256:00",
                probe: nil, settings: [:]))
        try writer.append(.intent(["id": "intent_1", "natural_language_intent": "Count the lines, \"please\"."]))
        try writer.append(.prompt(system: "You are an agent.", tools: []))
        try writer.append(.userTurn("How many lines has data.csv?", turn: 1))
        let missing = try writer.append(
            .toolCall(id: "call_0", tool: "exec", arguments: ["command": "wc -l dat.csv"], turn: 1))
        try writer.append(
            .exec(
                argv: ["sh", "-c", "wc -l dat.csv"], directory: "/home/user", facts: ["exit_code": 1], stdout: [],
                stderr: Array("wc: dat.csv: No such file or directory\n".utf8), call: missing, turn: 1))
        try writer.append(
            .toolResult(
                call: missing, id: "call_0", tool: "exec",
                text: "wc: dat.csv: No such file or directory\n[exit code 1]",
                failed: true, details: ["exit_code": 1], turn: 1))
        try writer.append(.userTurn("It is data.csv. Show it, too.", turn: 2))
        let shown = try writer.append(
            .toolCall(id: "call_0", tool: "exec", arguments: ["command": "cat data.csv"], turn: 2))
        try writer.append(
            .toolResult(call: shown, id: "call_0", tool: "exec", text: longText, failed: false, turn: 2))
        try writer.append(.agentMessage("2000 lines: done ✓", isFinal: true, turn: 2))
        try writer.append(.goal(["kind": "file_exists", "path": "data.csv"], met: true))
        try writer.append(.outcome("completed", reason: "the user is satisfied"))
    }

    static let longText = (0..<2000).map { "line \($0), and some text\n" }.joined()
}

private final class Ticker: Sendable {
    private let milliseconds = Mutex<Int64>(1_700_000_000_000)

    func tick() -> Timestamp {
        milliseconds.withLock {
            $0 += 1
            return Timestamp(millisecondsSinceEpoch: $0)
        }
    }
}

/// The records of a trace and what it ended with.
func records(of path: String) throws -> (records: [TraceRecord], tail: TraceReader.Tail) {
    var reader = try TraceReader(path: path)
    var records: [TraceRecord] = []
    while let record = try reader.next() { records.append(record) }
    return (records, reader.tail)
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
