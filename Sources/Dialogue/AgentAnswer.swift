import JSON

/// What an agent returns for one step.
public enum AgentAnswer: Sendable, Hashable {
    case calls([ProposedCall], text: String?, reasoning: String?)
    /// Ends the user turn.
    case say(String, reasoning: String?)
    /// Neither text nor calls: a model does that, so the agent is asked again.
    case nothing(reasoning: String?)
    /// The agent cannot go on.
    case stop(String)
}

/// A tool call as the agent wrote it, not yet checked.
public struct ProposedCall: Sendable, Hashable {
    public var id: String?
    public var name: String
    /// The exact text of the arguments: as the model wrote it, or the compact form of the table that the agent built.
    public var arguments: String

    public init(id: String? = nil, name: String, arguments: String) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}

extension AgentAnswer {
    init(_ value: JSONValue) throws(ContractBreach) {
        guard value.object != nil else { throw ContractBreach("returned \(value.typeName) instead of an answer") }
        let reasoning = value["reasoning"]?.string
        if let reason = value["stop"]?.string {
            self = .stop(reason)
            return
        }
        var calls: [ProposedCall] = []
        for call in try Self.callList(value["calls"]) { calls.append(try ProposedCall(call)) }
        let text = (value["say"] ?? value["text"])?.string?.nonBlank
        if !calls.isEmpty {
            self = .calls(calls, text: text, reasoning: reasoning)
        } else if let text {
            self = .say(text, reasoning: reasoning)
        } else {
            self = .nothing(reasoning: reasoning)
        }
    }

    /// An empty Lua table arrives as an empty object.
    private static func callList(_ value: JSONValue?) throws(ContractBreach) -> [JSONValue] {
        switch value {
        case nil, .null: return []
        case .array(let calls): return calls
        case .object(let object) where object.isEmpty: return []
        case let other?: throw ContractBreach("`calls` must be a list, not \(other.typeName)")
        }
    }
}

extension ProposedCall {
    init(_ value: JSONValue) throws(ContractBreach) {
        guard value.object != nil else { throw ContractBreach("a call must be a table, not \(value.typeName)") }
        guard let name = value["name"]?.string else { throw ContractBreach("a call has no `name`") }
        let arguments =
            switch value["arguments"] {
            case nil, .null: "{}"
            case .string(let text): text
            case let table?: table.compact
            }
        self.init(id: value["id"]?.string?.nonBlank, name: name, arguments: arguments)
    }
}

extension String {
    /// Nil when there is nothing but white space.
    var nonBlank: String? { allSatisfy(\.isWhitespace) ? nil : self }
}
