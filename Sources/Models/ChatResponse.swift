import JSON

/// What a model answered, read as generously as its meaning allows.
public struct ChatResponse: Sendable, Equatable {
    /// The message as it goes into the next request: unknown keys kept, calls with ids and argument strings, a role.
    public var message: JSONValue
    /// Nil and empty are told apart.
    public var content: String?
    /// From `reasoning_content` or `reasoning`.
    public var reasoning: String?
    public var toolCalls: [ToolCall]
    public var finishReason: String?
    public var usage: Usage?

    public struct ToolCall: Sendable, Hashable {
        /// Models repeat ids, over turns and even in one message.
        public var id: String
        /// Empty when the model named no tool.
        public var name: String
        /// What the model wrote: often, but not always, a JSON object.
        public var arguments: String

        public init(id: String, name: String, arguments: String) {
            self.id = id
            self.name = name
            self.arguments = arguments
        }
    }

    /// Tokens, as far as the server counts them.
    public struct Usage: Sendable, Hashable {
        public var promptTokens: Int?
        public var completionTokens: Int?
        public var cachedTokens: Int?
        public var reasoningTokens: Int?
    }

    /// Why an answer is none.
    struct Malformed: Error {
        var reason: String
    }

    init(parsing body: [UInt8]) throws(Malformed) {
        let answer: JSONValue
        do throws(JSONError) {
            answer = try JSONValue(parsing: body)
        } catch {
            throw Malformed(reason: body.isEmpty ? "the answer is empty" : "the answer is no JSON: \(error)")
        }
        if let error = answer["error"], !error.isNull, answer["choices"] == nil {
            throw Malformed(reason: "the server answered with an error: \(ChatError.serverMessage(answer))")
        }
        guard let choices = answer["choices"]?.array else { throw Malformed(reason: "the answer has no \"choices\"") }
        guard let choice = choices.first else { throw Malformed(reason: "the answer's \"choices\" are empty") }
        guard var message = choice["message"], message.object != nil else {
            throw Malformed(reason: "the answer's first choice has no \"message\"")
        }
        toolCalls = try Self.toolCalls(of: message)
        content = try Self.content(of: message)
        reasoning = [message["reasoning_content"], message["reasoning"]].lazy.compactMap { $0?.string }.first
        finishReason = choice["finish_reason"]?.string
        usage = answer["usage"].flatMap(Usage.init)

        message["role"] = "assistant"
        message["content"] = content.map(JSONValue.string) ?? .null
        message["function_call"] = nil
        message["tool_calls"] = toolCalls.isEmpty ? nil : .array(toolCalls.map(\.json))
        self.message = message
    }

    /// Text, or the texts of a list of parts.
    private static func content(of message: JSONValue) throws(Malformed) -> String? {
        switch message["content"] {
        case nil, .null: return nil
        case .string(let text): return text
        case .array(let parts):
            let texts = parts.compactMap { $0.string ?? $0["text"]?.string }
            return texts.isEmpty ? nil : texts.joined()
        case let other?:
            throw Malformed(reason: "the message's content is of type \(other.typeName)")
        }
    }

    private static func toolCalls(of message: JSONValue) throws(Malformed) -> [ToolCall] {
        switch message["tool_calls"] {
        case .array(let calls):
            var parsed: [ToolCall] = []
            for (index, call) in calls.enumerated() { parsed.append(try toolCall(call, index: index)) }
            return parsed
        case nil, .null:
            // The form before tools, which some servers still speak.
            guard let call = message["function_call"], call.object != nil else { return [] }
            return [try toolCall(["function": call], index: 0)]
        case let other?:
            throw Malformed(reason: "the message's tool_calls are of type \(other.typeName)")
        }
    }

    private static func toolCall(_ call: JSONValue, index: Int) throws(Malformed) -> ToolCall {
        let function = call["function"] ?? call
        guard function.object != nil else { throw Malformed(reason: "tool call \(index) is no object") }
        let arguments: String
        switch function["arguments"] {
        case nil, .null: arguments = "{}"
        case .string(let text): arguments = text
        case let value?: arguments = value.compact
        }
        let id = call["id"]?.string ?? ""
        return ToolCall(
            id: id.isEmpty ? "call_\(index)" : id, name: function["name"]?.string ?? "", arguments: arguments)
    }
}

extension ChatResponse.ToolCall {
    /// As it stands in a message.
    public var json: JSONValue {
        [
            "id": .string(id), "type": "function",
            "function": ["name": .string(name), "arguments": .string(arguments)],
        ]
    }
}

extension ChatResponse.Usage {
    init?(_ value: JSONValue) {
        guard value.object != nil else { return nil }
        promptTokens = Self.count(value["prompt_tokens"])
        completionTokens = Self.count(value["completion_tokens"])
        cachedTokens = Self.count(value["prompt_tokens_details"]?["cached_tokens"])
        reasoningTokens = Self.count(value["completion_tokens_details"]?["reasoning_tokens"])
    }

    /// Nil for what no answer can have taken: counts are added up.
    private static func count(_ value: JSONValue?) -> Int? {
        value?.int.flatMap { (0...1_000_000_000).contains($0) ? $0 : nil }
    }
}
