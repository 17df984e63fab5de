import JSON
import TestSupport
import Testing
import Trace

/// `ise run --mcp-server`, whole.
struct ServerInRunTests {
    private static let small = "small=python3 /opt/mcp/server.py"
    private static let bind = ["--bind", HostProgram.fixture("") + ":/opt/mcp"]

    @Test func theAgentGetsTheToolsAndTheTraceHasTheirTraffic() async throws {
        let calls = #"[["add", {"a": 20, "b": 22}], ["small_exec", {}], ["exec", {"command": "echo own"}]]"#
        let run = try await CallerRun.play(calls: calls, Self.bind + ["--mcp-server", Self.small])
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
        let run = try await CallerRun.play(calls: calls, Self.bind + ["--mcp-server", Self.small])
        #expect(run.ending.status == 0, "\(run.ending.stderr)")
        let codes = run.results().map { $0["error"]?["code"]?.string }
        #expect(codes == ["mcp_gone", "mcp_gone", nil])
        #expect(run.results().last?["text"] == "own\n")
    }

    @Test func aServerThatDoesNotComeUpStopsTheRunBeforeItBegins() async throws {
        let run = try await CallerRun.play(calls: "[]", ["--mcp-server", "there=python3 /opt/nowhere.py"])
        #expect(run.ending.status == 1)
        #expect(run.ending.stderr.contains("there brings no tools into a workspace"))
        #expect(run.ending.stderr.contains("/opt/nowhere.py"))
        #expect(run.events.isEmpty)
        #expect(run.leftFiles.isEmpty)
    }

    @Test(.enabled(if: PythonSDK.canServe, Comment(rawValue: PythonSDK.cannotServe)))
    func aServerWrittenWithTheOfficialSDKIsOffered() async throws {
        let run = try await CallerRun.play(
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
