import JSON
import Synchronization
import TestSupport
import Testing

@testable import Runs

/// The built program on the four published intents, over real HTTP against a server that answers as small models do.
@Suite struct ModelRunTests {
    private static let secret = "sk-0123456789abcdef0123456789abcdef"

    /// Each user turn: broken JSON, an unknown tool, wrong arguments, nothing at all, a good call, and then words.
    private static let agentAnswers: [ScriptedAnswer] = [
        .calls([("exec", #"{"command": "ls"#)]), .calls([("browse", #"{"url": "https://example.org"}"#)]),
        .calls([("exec", #"{"cmd": "ls"}"#)]), .says(""),
        .calls([("exec", #"{"command": "echo hello > note.txt; cat note.txt"}"#)]), .says("I have written note.txt."),
    ]

    /// One turn, then the end; the program itself asks for the check before it.
    private static let userAnswers: [ScriptedAnswer] = {
        let ask = #"{"completed": false, "query": "Please begin with the first part and tell me what you find.", "#
        let done = #"{"completed": true, "query": "", "reason": "all done", "is_success": true}"#
        return [.says(ask + #""reason": "start", "is_success": false}"#), .says(done), .says(done), .says(done)]
    }()

    @Test func `whatever a model answers, each real intent ends in a typed outcome`() async throws {
        let place = try TemporaryDirectory()
        let asked = Mutex(["agent": 0, "user": 0])
        try await ScriptedChatServer.with(responding: { _, request in
            let model = request.json?["model"]?.string ?? ""
            let number = asked.withLock { counts in
                defer { counts[model, default: 0] += 1 }
                return counts[model] ?? 0
            }
            let answers = model == "agent" ? Self.agentAnswers : Self.userAnswers
            return answers[number % answers.count]
        }) { server in
            let run = try await ise(
                "run", "--intents", Fixtures.intents, "--agent", "llm", "--simulator", "llm", "--jobs", "1",
                "--agent-url", server.url, "--agent-model", "agent", "--simulator-url", server.url,
                "--simulator-model", "user", "--out", place.file("run"), "--json",
                environment: ["ISE_AGENT_KEY": Self.secret])
            #expect(run.status == 0, "\(run.stderr)")
            let summary = try #require(run.summary)
            #expect(summary["outcomes"] == ["completed": 4])
            #expect(summary["user_turns_mean"] == 2.0)
            #expect(summary["tool_calls"] == 32)
            #expect(summary["failures"] == 24)

            let keys = server.requests.filter { $0.json?["model"] == "agent" }.map { $0.headers["authorization"] }
            #expect(Set(keys) == ["Bearer \(Self.secret)"])
        }
        for file in place.files() {
            #expect(!String(decoding: try place.read(file), as: UTF8.self).contains(Self.secret), "\(file)")
        }
        let traces = place.files().filter { $0.contains("trajectories/") }.map { place.file($0) }
        #expect(traces.count == 4)
        #expect(try await ISEProcess(["trace", "verify"] + traces).ending().status == 0)
    }

    @Test func `a server that isn't there ends each trajectory as infrastructure, with the reason`() async throws {
        let place = try TemporaryDirectory()
        let run = try await ise(
            "run", "--intents", Fixtures.intents, "--count", "1", "--agent", "llm", "--simulator", "llm",
            "--agent-url", "http://127.0.0.1:1/v1", "--agent-model", "m", "--simulator-url", "http://127.0.0.1:1/v1",
            "--simulator-model", "m", "--out", place.file("run"), "--json")
        #expect(run.status == 1)
        #expect(run.summary?["outcomes"] == ["infrastructure": 1])
        #expect(run.stderr.contains("connect to 127.0.0.1 port 1"))
    }

    @Test func `a model that isn't configured is told before anything runs`() async throws {
        let place = try TemporaryDirectory()
        let run = try await ise("run", "--agent", "llm", "--out", place.file("run"))
        #expect(run.status == 1)
        #expect(run.stderr.contains("give --agent-url or set ISE_AGENT_URL"))
        #expect(place.files().isEmpty)
    }
}
