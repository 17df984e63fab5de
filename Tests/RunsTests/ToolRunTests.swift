import JSON
import TestSupport
import Testing

@testable import Runs

/// The built program with tools that reach beyond the workspace.
@Suite struct ToolRunTests {
    private static let query = #"{"question": "What does the page say?"}"# + "\n"

    @Test func `an agent fetches what the policy allows, and gets the schemas that the trace has`() async throws {
        let place = try TemporaryDirectory()
        try place.write("q.jsonl", Array(Self.query.utf8))
        try await ScriptedChatServer.with(responding: { index, request in
            guard request.method == "POST" else {
                return .text(headers: ["Content-Type": "text/plain"], "The tide is out.")
            }
            let host = request.headers["host"] ?? ""
            let asked = request.json?["messages"]?.array?.last?["role"] == "tool"
            return asked
                ? .says("It says that the tide is out.")
                : .calls([
                    ("web_fetch", #"{"url": "http://\#(host)/page"}"#),
                    ("web_fetch", #"{"url": "http://127.0.0.1:1/"}"#),
                ])
        }) { server in
            let host = server.url.dropFirst("http://".count).dropLast("/v1".count)
            let run = try await ise(
                "run", "--intents", place.file("q.jsonl"), "--agent", "llm", "--agent-url", server.url, "--agent-model",
                "m", "--tools", "exec,web", "--network", "allow-list", "--allow", String(host), "--out",
                place.file("run"), "--json")
            #expect(run.status == 0, "\(run.stderr)")
            #expect(run.summary?["outcomes"] == ["completed": 1])
            let name = try #require(place.files().first { $0.hasPrefix("run/trajectories/") })
            let trace = place.file(name)
            let events = try String(decoding: place.read(name), as: UTF8.self)
                .split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
            let prompt = try #require(events.first { $0["type"] == "prompt" })
            let names = prompt["tools"]?.array?.compactMap { $0["function"]?["name"]?.string }
            #expect(names == ["exec", "web_fetch", "web_search"])
            #expect(server.requests.first { $0.method == "POST" }?.json?["tools"] == prompt["tools"])
            #expect(prompt["system"]?.string?.contains("The network reaches some hosts only") == true)
            let verdicts = events.filter { $0["type"] == "network" }.map { $0["attempt"]?["verdict"]?.string }
            #expect(verdicts == ["allowed", "refused"])
            let results = events.filter { $0["type"] == "tool_result" }
            #expect(results.first?["text"]?.string?.contains("The tide is out.") == true)
            #expect(results.last?["details"]?["code"] == "refused")
            #expect(server.requests.filter { $0.method == "GET" }.map(\.path) == ["/page"])
            #expect(try await ise("trace", "verify", trace).status == 0)
            let shown = try await ise("trace", "show", trace)
            #expect(shown.stdout.contains("GET 127.0.0.1:1 refused: no rule of the allow-list names it"))
        }
    }

    @Test(arguments: [
        (["--tools", "exce"], "did you mean \"exec\"?"),
        (["--search-provider", "bing"], "there are searxng, brave, serper"),
        (["--search-provider", "brave"], "needs a key: set ISE_SEARCH_KEY"),
        (["--tool-url", "http://127.0.0.1:1/v1"], "ISE_TOOL_MODEL"),
        (["--allow", "example.org:443"], "allow-list"), (["--network", "nowhere"], "network"),
    ])
    func `what tools cannot be given is told before anything runs`(arguments: [String], reason: String) async throws {
        let place = try TemporaryDirectory()
        let run = try await ISEProcess(["run", "--count", "1", "--out", place.file("run")] + arguments).ending()
        #expect(run.status != 0)
        #expect(run.stderr.contains(reason), "\(run.stderr)")
        #expect(place.files().isEmpty)
    }
}
