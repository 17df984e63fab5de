import Glibc
import JSON
import TestSupport
import Testing
import Trace

/// `ise run --mcp-server`, whole.
struct ServerInRunTests {
    /// Makes the calls that the user's words name, one after another, then says what the last one gave.
    private static let agent = """
        --[[plugin {"api": 1, "kind": "agent", "name": "caller", "version": "0.1.0", "description": "Stands in a test."} ]]
        return { next = function(view)
          local calls = json.decode(view.user)
          local call = calls[#view.results + 1]
          if call then return { calls = { { name = call[1], arguments = call[2] } } } end
          return { say = "It says: " .. view.results[#view.results].text }
        end }
        """

    private struct Outcome {
        var ending: HostProgram.Ending
        var events: [TraceRecord]
        func results() -> [JSONObject] { events.filter { $0.type == "tool_result" }.map(\.payload) }
    }

    private static func run(calls: String, _ options: [String]) async throws -> Outcome {
        let place = try TemporaryDirectory()
        for folder in ["plugins", "plugins/agents"] { mkdir(place.file(folder), 0o755) }
        try place.write("plugins/agents/caller.lua", Array(agent.utf8))
        let intent: JSONValue = [
            "id": "query_1", "query": .string(calls),
        ]
        try place.write("intents.jsonl", Array((intent.compact + "\n").utf8))
        let out = place.file("out")
        let program = try HostProgram(
            [
                HostProgram.ise, "run", "--plugins", place.file("plugins"), "--intents", place.file("intents.jsonl"),
                "--agent", "caller", "--out", out,
            ] + options)
        program.closeInput()
        let ending = try await program.ending()
        let traces = place.files().filter { $0.hasPrefix("out/trajectories/") }
        guard let trace = traces.first else { return Outcome(ending: ending, events: []) }
        let verification = try TraceVerifier(store: ContentStore(directory: out + "/blobs")).verify(place.file(trace))
        #expect(verification.isIntact)
        var reader = try TraceReader(path: place.file(trace))
        var events: [TraceRecord] = []
        while let event = try reader.next() { events.append(event) }
        return Outcome(ending: ending, events: events)
    }

    private static let small = "small=python3 /opt/mcp/server.py"
    private static let bind = ["--bind", HostProgram.fixture("") + ":/opt/mcp"]

    @Test func theAgentGetsTheToolsAndTheTraceHasTheirTraffic() async throws {
        let calls = #"[["add", {"a": 20, "b": 22}], ["small_exec", {}], ["exec", {"command": "echo own"}]]"#
        let run = try await Self.run(calls: calls, Self.bind + ["--mcp-server", Self.small])
        #expect(run.ending.status == 0, "\(run.ending.stderr)")
        #expect(run.ending.stderr.contains("small brings add,"))
        let results = run.results()
        #expect(results.map { $0["text"] } == ["42", "called exec", "own\n"])
        #expect(results.allSatisfy { $0["failed"] == false })
        let prompt = try #require(run.events.first { $0.type == "prompt" })
        let names = prompt.payload["tools"]?.array?.compactMap { $0["function"]?["name"]?.string } ?? []
        #expect(Set(names).isSuperset(of: ["add", "exec", "small_exec", "my_tool_1"]))
        #expect(names.count == Set(names).count)
        let uses = run.events.first { $0.type == "plugins" }?.payload["plugins"]?.array ?? []
        #expect(uses.contains { $0["kind"] == "mcp" && $0["name"] == "small" })
        #expect(run.events.contains { $0.type == "log" && $0.payload["text"] == "server is up" })
        let call = try #require(run.events.first { $0.type == "tool_call" })
        #expect(call.payload["plugin"]?.string?.count == 64)
    }

    @Test func aServerThatDiesLeavesTheRunGoing() async throws {
        let calls = #"[["die", {}], ["add", {"a": 1, "b": 1}], ["exec", {"command": "echo own"}]]"#
        let run = try await Self.run(calls: calls, Self.bind + ["--mcp-server", Self.small])
        #expect(run.ending.status == 0, "\(run.ending.stderr)")
        let codes = run.results().map { $0["error"]?["code"]?.string }
        #expect(codes == ["mcp_gone", "mcp_gone", nil])
        #expect(run.results().last?["text"] == "own\n")
    }

    @Test func aServerThatDoesNotComeUpStopsTheRunBeforeItBegins() async throws {
        let run = try await Self.run(calls: "[]", ["--mcp-server", "there=python3 /opt/nowhere.py"])
        #expect(run.ending.status == 1)
        #expect(run.ending.stderr.contains("there brings no tools into a workspace"))
        #expect(run.ending.stderr.contains("/opt/nowhere.py"))
        #expect(run.events.isEmpty)
    }

    @Test(.enabled(if: PythonSDK.canServe, Comment(rawValue: PythonSDK.cannotServe)))
    func aServerWrittenWithTheOfficialSDKIsOffered() async throws {
        let run = try await Self.run(
            calls: #"[["add", {"a": 20, "b": 22}], ["add", {"a": "x"}]]"#,
            Self.bind + [
                "--bind", "\(PythonSDK.packages):/opt/packages",
                "--mcp-server", "sdk=PYTHONPATH=/opt/packages /usr/bin/python3 /opt/mcp/sdk_server.py",
            ])
        #expect(run.ending.status == 0, "\(run.ending.stderr)")
        let results = run.results()
        #expect(results.map { $0["failed"] } == [false, true])
        #expect(results.first?["text"] == "42.0")
        #expect(results.first?["details"]?["structured"] == ["result": 42.0])
    }
}
