import JSON

/// The dialogue so far, in the two forms that its readers need: the OpenAI message list for the agent, and finished user
/// turns with their digests for the simulator and the guards.
struct Conversation: Sendable {
    /// One user turn with what the agent made of it.
    struct Exchange: Sendable {
        var turn: UserTurn
        var reply: String
        var digest: ExecutionDigest
    }

    private(set) var messages: [JSONValue]
    private(set) var exchanges: [Exchange] = []
    private var open: UserTurn?
    private(set) var lastReply = ""
    private var usedCallIDs: Set<String> = []

    init(system: String) {
        messages = [["role": "system", "content": .string(system)]]
    }

    mutating func begin(_ turn: UserTurn) {
        open = turn
        lastReply = ""
        messages.append(["role": "user", "content": .string(turn.text)])
    }

    mutating func append(_ reply: String, reasoning: String?) {
        lastReply = reply
        messages.append(assistantMessage(text: reply, reasoning: reasoning))
    }

    /// Appends the agent's calls, each with an id that no other call of this dialogue has.
    mutating func append(_ calls: [ProposedCall], text: String?, reasoning: String?) -> [IdentifiedCall] {
        let identified = calls.map { IdentifiedCall(id: unusedID($0.id), call: $0) }
        var message = assistantMessage(text: text, reasoning: reasoning)
        message["tool_calls"] = .array(identified.map(\.message))
        messages.append(message)
        return identified
    }

    mutating func append(answer: String, to call: IdentifiedCall) {
        messages.append([
            "role": "tool", "tool_call_id": .string(call.id), "name": .string(call.wireName),
            "content": .string(answer),
        ])
    }

    /// Images that a call returned. Servers take them from users only.
    mutating func append(images: [ToolImage], of call: IdentifiedCall) {
        guard !images.isEmpty else { return }
        let note: JSONValue = ["type": "text", "text": .string("[images that \(call.wireName) returned]")]
        messages.append(["role": "user", "content": .array([note] + images.map(\.part))])
    }

    /// What came in from outside of the dialogue, for the agent.
    mutating func append(event text: String) { messages.append(["role": "user", "content": .string(text)]) }

    mutating func close(_ digest: ExecutionDigest) {
        guard let turn = open else { return }
        exchanges.append(Exchange(turn: turn, reply: lastReply, digest: digest))
        open = nil
    }

    /// `history` as simulators and guards see it.
    var history: JSONValue {
        .array(
            exchanges.map {
                [
                    "user": .string($0.turn.text), "assistant": .string($0.reply), "digest": $0.digest.json,
                    "stage": $0.turn.stage.map(JSONValue.string) ?? .null,
                ]
            })
    }

    private func assistantMessage(text: String?, reasoning: String?) -> JSONValue {
        var message: JSONValue = ["role": "assistant", "content": text.map(JSONValue.string) ?? .null]
        if let reasoning { message["reasoning_content"] = .string(reasoning) }
        return message
    }

    private mutating func unusedID(_ wanted: String?) -> String {
        var id = wanted ?? "call_\(usedCallIDs.count + 1)"
        var suffix = usedCallIDs.count + 1
        while !usedCallIDs.insert(id).inserted {
            id = "call_\(suffix)"
            suffix += 1
        }
        return id
    }
}

/// A proposed call with its id in the dialogue.
struct IdentifiedCall: Sendable, Hashable {
    var id: String
    var call: ProposedCall

    /// As it stands in the message list that goes back to the model. Servers parse the arguments again and refuse the
    /// whole request when they are no JSON object, so broken ones are sent as a string inside an object; the trace keeps the
    /// exact text.
    var message: JSONValue {
        var arguments = call.arguments
        if (try? JSONValue(parsing: arguments))?.object == nil {
            arguments = JSONValue.object(["malformed_arguments": .string(call.arguments)]).compact
        }
        let function: JSONValue = ["name": .string(wireName), "arguments": .string(arguments)]
        return ["id": .string(id), "type": "function", "function": function]
    }

    /// Servers refuse function names outside of `[A-Za-z0-9_-]{1,64}`, also invented ones.
    var wireName: String {
        let allowed = call.name.unicodeScalars.prefix(64).map { scalar in
            let fits =
                scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                || "_-".unicodeScalars.contains(scalar)
            return fits ? Character(scalar) : "_"
        }
        return allowed.isEmpty ? "unnamed" : String(allowed)
    }
}
