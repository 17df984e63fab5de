import JSON
import TestSupport
import Testing
import Trace

@testable import Dialogue

/// Agents that ask a model over HTTP, and what models do to them.
struct ModelTrajectoryTests {
    /// Passes a model's answer on as it is.
    private static let agent = InlinePlugins.Source(
        "agent", "model", ["permissions": ["model": true]],
        """
        return { next = function(view)
          local message = chat({ messages = view.messages, tools = view.tools }).message
          local calls = {}
          for i, call in ipairs(message.tool_calls or {}) do
            calls[i] = { id = call.id, name = call["function"].name, arguments = call["function"].arguments }
          end
          return { calls = calls, say = #calls == 0 and message.content or nil, text = message.content }
        end }
        """)

    private static let simulator = InlinePlugins.Source(
        "simulator", "brief",
        """
        return { next = function(view)
          if view.turn == 1 then return { completed = false, query = "Work.", reason = "r" } end
          if view.turn == 2 then return { completed = false, query = "Check.", reason = "r", stage = "verify" } end
          return { completed = true, query = "", reason = "done", is_success = true }
        end }
        """)

    private func perform(_ answers: [ScriptedAnswer]) async throws -> (Theatre.Performance, [JSONValue]) {
        try await ScriptedChatServer.with(answers: answers) { server in
            let performance = try await Theatre.perform(
                [Theatre.shell, Self.agent, Self.simulator], tasks: [], agentURL: server.url)
            return (performance, server.requests.compactMap(\.json))
        }
    }

    @Test func `A model works, and what it was asked and answered is in the trace`() async throws {
        let (performance, requests) = try await perform([
            .calls([("exec", #"{"command":"echo hi"}"#)]), .says("It printed hi."), .says("All well."),
        ])
        #expect(performance.result.outcome == .completed)
        #expect(performance.result.counts.agentTokens == 3 * 18)
        let recorded = try performance.events(.modelRequest)
        #expect(recorded.map { $0["body"] } == requests.map(Optional.some))
        #expect(recorded.map(\.turn) == [1, 1, 2])
        let responses = try performance.events(.modelResponse)
        #expect(responses.map(\.parent) == recorded.map(\.sequence))
        let prompt = try #require(performance.events(.prompt).first)
        #expect(requests[0]["messages"]?.array?.first?["content"] == prompt["system"])
        #expect(requests[0]["tools"] == prompt["tools"])
        let last = try #require(requests[1]["messages"]?.array?.last)
        #expect(last["role"] == "tool")
        #expect(last["content"] == "hi\n")
    }

    @Test func `Images that tools return stand behind all results of the message that asked for them`() async throws {
        let make = #"{"command":"printf '\\211PNG\\r\\n\\032\\n' > a.png; cp a.png b.png"}"#
        try await ScriptedChatServer.with(answers: [
            .calls([("exec", make)]), .calls([("read", #"{"path":"a.png"}"#), ("read", #"{"path":"b.png"}"#)]),
            .says("Two dots."), .says("Checked."),
        ]) { server in
            var resources = ToolResources()
            resources.agentSeesImages = true
            let performance = try await Theatre.perform(
                [Theatre.shell, Self.agent, Self.simulator], shipped: ["read"], tasks: [], resources: resources,
                agentURL: server.url)
            #expect(performance.result.outcome == .completed, "\(performance.result.reason)")
            let messages = server.requests[2].json?["messages"]?.array ?? []
            #expect(messages.suffix(5).map { $0["role"]?.string } == ["assistant", "tool", "tool", "user", "user"])
            let image = messages.last?["content"]?.array?.last?["image_url"]?["url"]?.string
            #expect(image == "data:image/png;base64,iVBORw0KGgo=")
        }
    }

    @Test func `Malformed arguments and unknown tools go back to the model, which repairs them`() async throws {
        let (performance, requests) = try await perform([
            .calls([("exec", #"{"command": "echo"#), ("exce", "{}"), ("exec", #"{"cmd":"echo"}"#)]),
            .calls([("exec", #"{"command":"echo repaired"}"#)]), .says("Done."), .says("Checked."),
        ])
        let result = performance.result
        #expect(result.outcome == .completed)
        #expect((result.counts.toolCalls, result.counts.failures) == (4, 3))
        let codes = try performance.events(.toolResult).map { $0["error"]?["code"] }
        #expect(codes == ["invalid_json", "unknown_tool", "invalid_args", nil])
        // A strict server parses the arguments of every call that comes back to it.
        let sent = requests[1]["messages"]?.array?.flatMap { $0["tool_calls"]?.array ?? [] } ?? []
        #expect(sent.count == 3)
        for call in sent {
            let arguments = try #require(call["function"]?["arguments"]?.string)
            #expect(try JSONValue(parsing: arguments).object != nil)
        }
        let answers = requests[1]["messages"]?.array?.filter { $0["role"] == "tool" } ?? []
        #expect(answers.map { $0["tool_call_id"] } == sent.map { $0["id"] })
    }

    @Test func `Repeated call ids are told apart`() async throws {
        let (performance, requests) = try await perform([
            .calls([("exec", #"{"command":"echo 1"}"#)]), .calls([("exec", #"{"command":"echo 2"}"#)]), .says("Done."),
            .says("Checked."),
        ])
        #expect(performance.result.outcome == .completed)
        let ids = requests[2]["messages"]?.array?.compactMap { $0["tool_call_id"]?.string } ?? []
        #expect(ids.count == 2)
        #expect(Set(ids).count == 2)
    }

    @Test func `A model that keeps saying nothing is an agent error`() async throws {
        let (performance, requests) = try await perform(Array(repeating: .says(""), count: 3))
        #expect(performance.result.outcome == .agentError)
        #expect(performance.result.counts.emptyAnswers == 3)
        #expect(requests.count == 3)
    }

    @Test(arguments: [
        ScriptedAnswer.text(status: 500, "overloaded"), .text(status: 400, "no such model"), .text("<html>"),
        .json(["choices": []]),
    ])
    func `A server that gives no completion is an infrastructure failure`(answer: ScriptedAnswer) async throws {
        let (performance, _) = try await perform([answer, answer])
        #expect(performance.result.outcome == .infrastructure)
        #expect(performance.result.reason.contains("model scripted at"))
        #expect(try performance.events(.modelResponse).first?["error"]?.string?.isEmpty == false)
        #expect(try performance.events(.end).count == 1)
    }

    @Test func `A server that is not there is an infrastructure failure`() async throws {
        let gone = try await ScriptedChatServer.with(answers: []) { $0.url }
        let result = try await Theatre.perform(
            [Theatre.shell, Self.agent, Self.simulator], tasks: [], agentURL: gone
        ).result
        #expect(result.outcome == .infrastructure)
    }

    @Test func `An agent without a model says so`() async throws {
        let result = try await Theatre.perform([Theatre.shell, Self.agent, Self.simulator], tasks: []).result
        #expect(result.outcome == .infrastructure)
        #expect(result.reason.contains("no model"))
    }

    @Test func `Tokens beyond the budget end the dialogue`() async throws {
        let answers = (1...5).map { ScriptedAnswer.calls([("exec", #"{"command":"echo \#($0)"}"#)]) }
        let result = try await ScriptedChatServer.with(answers: answers) { server in
            try await Theatre.perform(
                [Theatre.shell, Self.agent, Self.simulator], tasks: [], agentURL: server.url, limits: { $0.tokens = 30 }
            ).result
        }
        #expect(result.outcome == .budget)
        #expect(result.counts.agentTokens == 36)
    }
}
