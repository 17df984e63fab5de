import Basics
import JSON

/// A request to a chat model and everything that came of it, for the trace.
public struct ChatExchange: Sendable {
    public var endpoint: String
    /// Exactly what was sent. The key is in no body, only in a header that is not recorded.
    public var request: JSONValue
    /// At least one, unless the request was cancelled first.
    public var attempts: [Attempt]
    public var result: Result<ChatResponse, ChatError>
    /// From the first attempt to the result, waits included.
    public var wall: Duration

    public struct Attempt: Sendable, Hashable {
        /// How long the client waited before it.
        public var wait: Duration
        public var wall: Duration
        /// Nil when there was no answer.
        public var status: Int?
        /// Exactly what was received, but for the key.
        public var body: [UInt8]
        /// Why it did not count; nil for the one that did.
        public var error: String?

        /// The facts, and the body of an attempt that failed.
        public var json: JSONValue {
            var object: JSONObject = [
                "wait_ms": .int(wait.wholeMilliseconds), "wall_ms": .int(wall.wholeMilliseconds),
                "status": status.map(JSONValue.int) ?? .null,
            ]
            if let error {
                object["error"] = .string(error)
                object["body"] = .string(String(decoding: body, as: UTF8.self))
            }
            return .object(object)
        }
    }

    /// The last answer as received; empty when there was none.
    public var rawAnswer: [UInt8] { attempts.last?.body ?? [] }
}
