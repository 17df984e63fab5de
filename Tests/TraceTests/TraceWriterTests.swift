import Glibc
import JSON
import TestSupport
import Testing
import Trace

@Suite struct TraceWriterTests {
    @Test func `a finished trace is numbered, timed and chained`() async throws {
        let bench = try TraceBench()
        let receipt = try await bench.finishedTrace()
        #expect(receipt.path == bench.directory.file("t1.jsonl"))
        #expect(bench.directory.files().filter { !$0.hasPrefix("blobs/") } == ["t1.jsonl"])
        let (records, tail) = try records(of: receipt.path)
        #expect(tail == .complete)
        #expect(records.count == receipt.events)
        #expect(records.map(\.sequence) == Array(0..<receipt.events))
        #expect(records.map(\.time) == records.map(\.time).sorted())
        let lines = try bench.directory.read("t1.jsonl").split(separator: UInt8(ascii: "\n")).map(Array.init)
        #expect(records[0].previous.hex == String(repeating: "0", count: 64))
        #expect(records.dropFirst().map(\.previous) == lines.dropLast().map { ContentHash(of: $0) })
        #expect(records.last?.payload["events"]?.int == receipt.events)
        #expect(records.last?.payload["outcome"] == "completed")
    }

    @Test func `an event is written with its fields in the promised order`() async throws {
        let bench = try TraceBench()
        let writer = try bench.writer()
        try writer.append(.log("info", "hello", source: "test"))
        try writer.flush()
        let zeros = String(repeating: "0", count: 64)
        #expect(
            text(try bench.directory.read("t1.jsonl.part")) == """
                {"seq":0,"time":"2023-11-14T22:13:20.001Z","type":"log","turn":null,"parent":null,\
                "level":"info","source":"test","text":"hello","prev":"\(zeros)"}\n
                """)
    }

    @Test func `a long string moves to the store and leaves its ends behind`() async throws {
        let bench = try TraceBench()
        let long = String(repeating: "é", count: 20_000) + "end"
        let writer = try bench.writer()
        try writer.append(.log("info", long, source: "test"))
        let receipt = try await writer.finish(outcome: "completed")
        let value = try records(of: receipt.path).records[0]["text"] ?? .null
        let blob = try #require(BlobReference(value))
        #expect(blob.byteCount == 40_003)
        #expect(long.hasPrefix(blob.head) && blob.head.utf8.count == 2048)
        #expect(long.hasSuffix(blob.tail) && !blob.tail.contains("\u{FFFD}"))
        #expect(try bench.store.bytes(of: blob.hash) == Array(long.utf8))
    }

    @Test func `bytes that are no UTF-8 are kept exactly`() async throws {
        let bench = try TraceBench()
        let output: [UInt8] = [0x61, 0xFF, 0xFE, 0x0A]
        let writer = try bench.writer()
        try writer.append(
            .exec(
                argv: ["x"], directory: "/", facts: [:], stdout: output, stderr: Array("ok".utf8), call: nil, turn: nil)
        )
        let receipt = try await writer.finish(outcome: "completed")
        let record = try records(of: receipt.path).records[0]
        let blob = try #require(BlobReference(record["stdout"] ?? .null))
        #expect(try bench.store.bytes(of: blob.hash) == output)
        #expect(record["stderr"] == "ok")
    }

    @Test func `an agent cannot forge a reference to a blob`() async throws {
        let bench = try TraceBench()
        let forged: JSONValue = [
            "blob": .string(ContentHash(of: "x").description), "bytes": 1, "head": "x", "tail": "",
        ]
        #expect(BlobReference(forged) != nil)
        let writer = try bench.writer()
        let call = try writer.append(.toolCall(id: "1", tool: "exec", arguments: forged, turn: 1))
        try writer.append(.toolResult(call: call, id: "1", tool: "exec", text: "", failed: false, turn: 1))
        let receipt = try await writer.finish(outcome: "completed")
        #expect(try TraceVerifier(store: bench.store).verify(receipt.path).isIntact)
        #expect(try records(of: receipt.path).records[0]["arguments"]?["head"] == "x")
    }

    @Test func `secrets are out before anything is hashed, in blobs as well`() async throws {
        let bench = try TraceBench()
        let key = "very-secret-key-0042"
        let writer = try bench.writer(secrets: [.init(name: "agent-key", value: key)])
        try writer.append(.log("info", "key \(key)", source: key, fields: [key: ["deep": .array([.string(key)])]]))
        try writer.append(.log("info", String(repeating: key + " ", count: 2000), source: "test"))
        try writer.append(
            .exec(
                argv: ["env"], directory: "/", facts: [:], stdout: Array(key.utf8) + [0xFF], stderr: [], call: nil,
                turn: nil))
        let receipt = try await writer.finish(outcome: "completed")
        #expect(receipt.redactions == ["agent-key": 3 + 2000 + 1])
        for file in bench.directory.files() {
            #expect(!text(try bench.directory.read(file)).contains(key), "\(file)")
        }
        #expect(try records(of: receipt.path).records.last?["redactions"]?["agent-key"]?.int == 2004)
        #expect(try TraceVerifier(store: bench.store).verify(receipt.path).isIntact)
    }

    @Test func `a call without a result gets one that says so`() async throws {
        let bench = try TraceBench()
        let writer = try bench.writer()
        let first = try writer.append(.toolCall(id: "a", tool: "exec", arguments: [:], turn: 1))
        let second = try writer.append(.toolCall(id: "a", tool: "read", arguments: [:], turn: 1))
        try writer.append(.toolResult(call: first, id: "a", tool: "exec", text: "", failed: false, turn: 1))
        let receipt = try await writer.finish(outcome: "cancelled")
        #expect(receipt.synthesizedResults == 1)
        let results = try records(of: receipt.path).records.filter { $0.kind == .toolResult && $0.parent == second }
        #expect(results.count == 1)
        #expect(results.first?["error"]?["code"] == "no_result")
        #expect(results.first?["tool"] == "read")
        #expect(try TraceVerifier(store: bench.store).verify(receipt.path).isIntact)
    }

    @Test func `what may not stand in a trace is refused and leaves no mark`() async throws {
        let bench = try TraceBench()
        let writer = try bench.writer()
        let call = try writer.append(.toolCall(id: "a", tool: "exec", arguments: [:], turn: 1))
        let result = TraceEvent.toolResult(call: call, id: "a", tool: "exec", text: "", failed: false, turn: 1)
        try writer.append(result)
        let refused = [
            result,  // answered already
            .toolResult(call: 99, id: "a", tool: "exec", text: "", failed: false, turn: 1),
            TraceEvent(.toolResult),
            TraceEvent(.end),
            TraceEvent(.log, payload: ["prev": "x"]),
            TraceEvent(.log, payload: ["text": "x"]).attaching("text", []),
            TraceEvent(.log, parent: 2),
        ]
        for event in refused {
            let error = #expect(throws: TraceError.self) { try writer.append(event) }
            #expect(error?.code == .invalidEvent)
        }
        let receipt = try await writer.finish(outcome: "completed")
        #expect(receipt.events == 3)
        #expect(try TraceVerifier(store: bench.store).verify(receipt.path).isIntact)
        #expect(throws: TraceError.self) { try writer.append(.log("info", "late", source: "test")) }
        await #expect(throws: TraceError.self) { try await writer.finish(outcome: "completed") }
    }

    @Test(arguments: ["../x", "a/b", "", ".hidden", "a b", "a\u{0}", String(repeating: "x", count: 201)])
    func `an id that could lead elsewhere is refused`(id: String) throws {
        let bench = try TraceBench()
        let error = #expect(throws: TraceError.self) { try bench.writer(id) }
        #expect(error?.code == .invalidName)
        #expect(bench.directory.files().isEmpty)
    }

    @Test func `a finished trace is never replaced`() async throws {
        let bench = try TraceBench()
        let receipt = try await bench.finishedTrace()
        let before = try readFile(receipt.path)
        let error = #expect(throws: TraceError.self) { try bench.writer(existing: .replace) }
        #expect(error?.code == .exists)
        #expect(try readFile(receipt.path) == before)
    }

    @Test func `a trace that appears meanwhile is not replaced either`() async throws {
        let bench = try TraceBench()
        let writer = try bench.writer()
        try writer.append(.log("info", "mine", source: "test"))
        try bench.directory.write("t1.jsonl", Array("theirs".utf8))
        let error = await #expect(throws: TraceError.self) { try await writer.finish(outcome: "completed") }
        #expect(error?.code == .exists)
        #expect(text(try bench.directory.read("t1.jsonl")) == "theirs")
        #expect(text(try bench.directory.read("t1.jsonl.part")).contains("mine"))
    }

    @Test func `one writer at a time has a trace open`() throws {
        let bench = try TraceBench()
        let writer = try bench.writer()
        let error = #expect(throws: TraceError.self) { try bench.writer(existing: .replace) }
        #expect(error?.code == .busy)
        try writer.append(.log("info", "still mine", source: "test"))
    }

    @Test func `a dead writer's partial trace stays until someone says replace`() async throws {
        let bench = try TraceBench()
        try bench.writer().append(.log("info", "abandoned", source: "test"))
        #expect(text(try bench.directory.read("t1.jsonl.part")).contains("abandoned"))
        let error = #expect(throws: TraceError.self) { try bench.writer() }
        #expect(error?.code == .exists)
        let receipt = try await bench.writer(existing: .replace).finish(outcome: "completed")
        #expect(receipt.events == 1)
        #expect(try TraceVerifier(store: bench.store).verify(receipt.path).isIntact)
    }

    @Test func `events from many threads form one chain`() async throws {
        let bench = try TraceBench()
        let writer = try bench.writer()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for index in 0..<50 { try writer.append(.log("info", "\(task).\(index)", source: "test")) }
                }
            }
            try await group.waitForAll()
        }
        let receipt = try await writer.finish(outcome: "completed")
        #expect(receipt.events == 401)
        #expect(try TraceVerifier(store: bench.store).verify(receipt.path).isIntact)
    }
}
