import JSON

/// One fact about a trajectory, before the writer gives it its number, time and place in the chain.
///
/// Build events with the functions of `TraceEvent+Builders.swift`: they fix the payload's keys.
public struct TraceEvent: Sendable, Equatable {
    public var kind: Kind
    /// The user turn it belongs to, from 1; nil before the first.
    public var turn: Int?
    /// The number of the event that this one answers or belongs to (a tool call for its result, say).
    public var parent: Int?
    /// Strings over `TraceFormat.spillThreshold` move to the content store by themselves.
    public var payload: JSONObject
    /// Bytes that are recorded exactly under these payload keys: inline where they are short, valid UTF-8, else as a
    /// blob.
    public var attachments: [Attachment] = []

    public struct Attachment: Sendable, Equatable {
        public var key: String
        public var bytes: [UInt8]

        public init(key: String, bytes: [UInt8]) {
            self.key = key
            self.bytes = bytes
        }
    }

    public enum Kind: String, Sendable, CaseIterable {
        case start
        case intent
        case plugins
        case prompt
        case modelRequest = "model_request"
        case modelResponse = "model_response"
        case userTurn = "user_turn"
        case agentMessage = "agent_message"
        case toolCall = "tool_call"
        case exec
        /// Something that the host did for a plugin, beside running a command.
        case hostCall = "host_call"
        /// A connection that the host tried to make for a plugin.
        case network
        /// What came into the dialogue from outside of it: a scheduled message, the reply of a session below.
        case event
        /// A session below this dialogue has ended; its own trace is named.
        case session
        case toolResult = "tool_result"
        case digest
        case `guard`
        case goal
        case denial
        case log
        case outcome
        /// Written by `TraceWriter.finish` only.
        case end

        /// Whether the event is handed to the kernel at once. It is where something is about to happen, or has happened
        /// that cannot be had again, so that a killed process leaves a record of it.
        var isCheckpoint: Bool {
            switch self {
            case .start, .modelRequest, .modelResponse, .userTurn, .toolCall, .toolResult, .event, .session, .outcome,
                .end:
                true
            case .intent, .plugins, .prompt, .agentMessage, .exec, .hostCall, .network, .digest, .guard, .goal, .denial,
                .log:
                false
            }
        }
    }

    public init(_ kind: Kind, turn: Int? = nil, parent: Int? = nil, payload: JSONObject = [:]) {
        self.kind = kind
        self.turn = turn
        self.parent = parent
        self.payload = payload
    }

    /// The same event with exact bytes under `key`.
    public func attaching(_ key: String, _ bytes: [UInt8]) -> TraceEvent {
        var copy = self
        copy.attachments.append(Attachment(key: key, bytes: bytes))
        return copy
    }
}
