import JSON
import Testing

@testable import Dialogue

struct AgentAnswerTests {
    @Test func `Calls keep the exact text of a model and the compact form of a table`() throws {
        let answer = try AgentAnswer([
            "text": "let me look", "reasoning": "hm",
            "calls": [
                ["name": "exec", "arguments": ["command": "ls", "timeout": 5], "id": "c1"],
                ["name": "read", "arguments": "{\"path\": \"a\" "],
                ["name": "list"],
            ],
        ])
        let expected = [
            ProposedCall(id: "c1", name: "exec", arguments: #"{"command":"ls","timeout":5}"#),
            ProposedCall(name: "read", arguments: #"{"path": "a" "#),
            ProposedCall(name: "list", arguments: "{}"),
        ]
        #expect(answer == .calls(expected, text: "let me look", reasoning: "hm"))
    }

    @Test func `An empty Lua table of calls is no calls`() throws {
        #expect(try AgentAnswer(["say": "done", "calls": [:]]) == .say("done", reasoning: nil))
    }

    @Test func `White space is nothing`() throws {
        #expect(try AgentAnswer(["say": " \n", "reasoning": "r"]) == .nothing(reasoning: "r"))
        #expect(try AgentAnswer([:]) == .nothing(reasoning: nil))
    }

    @Test func `A stop has its reason`() throws {
        #expect(try AgentAnswer(["stop": "no playbook"]) == .stop("no playbook"))
    }

    @Test(arguments: ["3", "[]", #"{"calls": 3}"#, #"{"calls": [1]}"#, #"{"calls": [{"arguments": {}}]}"#])
    func `What is no answer is a breach of contract`(text: String) throws {
        let value = try JSONValue(parsing: text)
        #expect(throws: ContractBreach.self) { try AgentAnswer(value) }
    }

    @Test func `A decision needs completed and a text`() throws {
        let decision = try SimulatorDecision(["completed": false, "query": "go", "reason": "r", "stage": "1/a"])
        #expect(
            decision == SimulatorDecision(completed: false, query: "go", reason: "r", isSuccess: true, stage: "1/a"))
        #expect(throws: ContractBreach.self) { try SimulatorDecision(["query": "go"]) }
        #expect(throws: ContractBreach.self) { try SimulatorDecision(["completed": "no", "query": "go"]) }
        #expect(throws: ContractBreach.self) { try SimulatorDecision(["completed": false, "query": 3]) }
        #expect(throws: ContractBreach.self) { try SimulatorDecision("done") }
    }
}

struct ConversationTests {
    private func ids(_ conversation: inout Conversation, _ wanted: String?...) -> [String] {
        let calls = wanted.map { ProposedCall(id: $0, name: "exec", arguments: "{}") }
        return conversation.append(calls, text: nil, reasoning: nil).map(\.id)
    }

    @Test func `No two calls share an id, whatever the model says`() {
        var conversation = Conversation(system: "s")
        let first = ids(&conversation, "a", nil, "a")
        let second = ids(&conversation, "a", "call_2", nil)
        #expect(Set(first + second).count == 6)
        #expect(first[0] == "a")
    }

    @Test func `Arguments that are no object go back to the model as a string in one`() throws {
        var conversation = Conversation(system: "s")
        _ = conversation.append(
            [ProposedCall(name: "exec", arguments: "{\"command\": "), ProposedCall(name: "exec", arguments: "{ }")],
            text: nil, reasoning: "thinking")
        let message = try #require(conversation.messages.last)
        #expect(message["reasoning_content"] == "thinking")
        let sent = message["tool_calls"]?.array?.compactMap { $0["function"]?["arguments"]?.string }
        #expect(sent == [#"{"malformed_arguments":"{\"command\": "}"#, "{ }"])
    }

    @Test(arguments: [("exec", "exec"), ("web search!", "web_search_"), ("", "unnamed"), ("é", "_")])
    func `Function names are sent in the form that servers take`(name: String, wire: String) {
        #expect(IdentifiedCall(id: "1", call: ProposedCall(name: name, arguments: "{}")).wireName == wire)
    }

    @Test func `The history has finished turns only`() {
        var conversation = Conversation(system: "s")
        conversation.begin(UserTurn(number: 1, text: "hello", stage: "1/a"))
        #expect(conversation.history == [])
        conversation.append("hi", reasoning: nil)
        conversation.close(ExecutionDigest())
        #expect(conversation.history.array?.count == 1)
        #expect(conversation.history.array?.first?["assistant"] == "hi")
        #expect(conversation.messages.map { $0["role"]?.string } == ["system", "user", "assistant"])
    }
}
