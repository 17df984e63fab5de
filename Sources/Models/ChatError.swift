import Basics
import JSON

/// Why a model gave no usable answer.
public struct ChatError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// No connection, or it broke, as often as the policy tries.
        case connection
        case timeout
        /// 429, as often as the policy tries, or with more patience asked for than it has.
        case rateLimited = "rate_limited"
        /// 5xx, as often as the policy tries.
        case server
        /// The server refuses this request: another 4xx, a redirect.
        case rejected
        /// The answer is no chat completion.
        case malformed
        case tooBig = "too_big"
        case invalidRequest = "invalid_request"
        case cancelled
    }

    public var code: Code
    public var message: String
    /// Of the last answer; nil when there was none.
    public var status: Int?
    /// The last answer's body, as received but for the key.
    public var raw: [UInt8]

    public var description: String { message }

    /// What a server says in an error body; the start of the body when it says nothing in the usual place.
    static func serverMessage(_ answer: JSONValue) -> String {
        let error = answer["error"]
        return [error?["message"], error, answer["message"], answer["detail"]].lazy.compactMap { $0?.string }.first
            ?? excerpt(answer.compact)
    }

    static func serverMessage(_ body: [UInt8]) -> String {
        guard !body.isEmpty else { return "no message" }
        if let answer = try? JSONValue(parsing: body) { return excerpt(serverMessage(answer)) }
        return excerpt(String(decoding: body.prefix(2000), as: UTF8.self))
    }

    private static func excerpt(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ").trimmed
        return line.count > 300 ? line.prefix(300) + "…" : line
    }
}
