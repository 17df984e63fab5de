import JSON
import Models
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct ChatResponseTests {
    private let http: HTTPClient

    init() throws { http = try HTTPClient() }

    private func result(_ answer: ScriptedAnswer) async throws -> Result<ChatResponse, ChatError> {
        try await ScriptedChatServer.with(answers: [answer]) { server in
            let client = ChatClient(settings: ChatSettings(url: server.url, model: "m"), http: http)
            return await client.complete(client.body(["messages": []])).result
        }
    }

    private func response(message: JSONValue) async throws -> ChatResponse {
        try await result(.completion(message: message, finishReason: "stop")).get()
    }

    @Test func `tool calls are read, and written back as they must be sent`() async throws {
        let response = try await result(
            .calls([("exec", #"{"command":"ls"}"#), ("exec", "{not json")], text: "Let me look.")
        ).get()
        #expect(response.content == "Let me look.")
        #expect(
            response.toolCalls == [
                .init(id: "call_0", name: "exec", arguments: #"{"command":"ls"}"#),
                .init(id: "call_1", name: "exec", arguments: "{not json"),
            ])
        #expect(response.finishReason == "tool_calls")
        #expect(response.message["tool_calls"] == .array(response.toolCalls.map(\.json)))
        #expect(response.message["role"] == "assistant")
    }

    @Test func `odd but clear forms are understood`() async throws {
        let response = try await response(message: [
            "content": [["type": "text", "text": "a"], ["type": "image"], ["type": "text", "text": "b"]],
            "reasoning": "because",
            "tool_calls": [
                ["function": ["name": "one", "arguments": ["k": [1, 2]]]], ["id": "", "function": ["name": "two"]],
                ["id": "x", "name": "three", "arguments": ""], ["id": "y", "function": ["arguments": "{}"]],
            ],
            "extra": "kept",
        ])
        #expect(response.content == "ab")
        #expect(response.reasoning == "because")
        #expect(
            response.toolCalls == [
                .init(id: "call_0", name: "one", arguments: #"{"k":[1,2]}"#),
                .init(id: "call_1", name: "two", arguments: "{}"),
                .init(id: "x", name: "three", arguments: ""), .init(id: "y", name: "", arguments: "{}"),
            ])
        #expect(response.message["extra"] == "kept")
        #expect(response.message["content"] == "ab")
    }

    @Test func `the form before tools is understood`() async throws {
        let response = try await response(message: ["function_call": ["name": "exec", "arguments": "{}"]])
        #expect(response.toolCalls == [.init(id: "call_0", name: "exec", arguments: "{}")])
        #expect(response.message["function_call"] == nil)
    }

    @Test func `empty answers are answers`() async throws {
        let empty = try await response(message: ["content": "", "reasoning_content": "hm"])
        #expect(empty.content == "")
        #expect(empty.reasoning == "hm")
        #expect(empty.toolCalls.isEmpty)
        let null = try await response(message: ["content": nil, "tool_calls": nil])
        #expect(null.content == nil)
        #expect(null.message["tool_calls"] == nil)
    }

    @Test func `counts of tokens that no answer can have taken are none`() async throws {
        let message: JSONValue = ["content": "hi"]
        let body: JSONValue = [
            "choices": [["message": message]],
            "usage": ["prompt_tokens": .int(.max), "completion_tokens": -5, "total_tokens": 7],
        ]
        let response = try await result(.text(body.compact)).get()
        #expect(response.usage?.promptTokens == nil && response.usage?.completionTokens == nil)
    }

    @Test(arguments: [
        ("", "empty"), ("<html>", "no JSON"), ("{\"choices\":[{\"message\"", "no JSON"), ("[]", "choices"),
        ("{}", "choices"), ("{\"choices\":[]}", "choices"), ("{\"choices\":[{}]}", "message"),
        ("{\"choices\":[{\"message\":\"hi\"}]}", "message"),
        ("{\"choices\":[{\"message\":{\"content\":5}}]}", "content"),
        ("{\"choices\":[{\"message\":{\"tool_calls\":\"x\"}}]}", "tool_calls"),
        ("{\"choices\":[{\"message\":{\"tool_calls\":[7]}}]}", "tool call 0"),
        ("{\"error\":{\"message\":\"no capacity\"}}", "no capacity"), ("{\"error\":\"no capacity\"}", "no capacity"),
        ("null", "choices"), ("\u{0}\u{1}", "no JSON"),
    ])
    func `a malformed answer is an error with its bytes, and is not asked for again`(body: String, says: String)
        async throws
    {
        let result = try await result(.text(body))
        let error = try #require(throws: ChatError.self) { try result.get() }
        #expect(error.code == .malformed)
        #expect(error.status == 200)
        #expect(error.raw == Array(body.utf8))
        #expect(error.message.contains(says), "\(error)")
    }

    @Test func `random damage to an answer never does more than fail`() async throws {
        var random = SplitMix(seed: 3)
        let good = ScriptedAnswer.calls([("exec", #"{"command":"ls"}"#)], text: "text").body
        var damaged: [[UInt8]] = []
        for _ in 0..<200 {
            var body = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let position = Int.random(in: 0..<body.count, using: &random)
                body[position] = UInt8.random(in: 0...255, using: &random)
            }
            damaged.append(Array(body.prefix(Int.random(in: 0...body.count, using: &random))))
        }
        let bodies = damaged
        try await ScriptedChatServer.with(responding: { index, _ in ScriptedAnswer(body: bodies[index]) }) { server in
            let client = ChatClient(settings: ChatSettings(url: server.url, model: "m"), http: http)
            for body in bodies {
                let exchange = await client.complete(client.body([:]))
                #expect(exchange.rawAnswer == body)
                if case .failure(let error) = exchange.result { #expect(error.code == .malformed) }
            }
        }
    }
}
