import FlyingFox
import FlyingSocks
import Foundation
import enum JSON.JSONValue  // FlyingFox has one too

/// One answer of a `ScriptedChatServer`.
public struct ScriptedAnswer: Sendable {
    public var status: Int
    public var headers: [String: String]
    public var body: [UInt8]
    /// How long the server waits before it answers.
    public var delay: Duration = .zero
    /// Close the connection after so many bytes of the body, which was announced in full.
    public var cutAfter: Int?

    public init(status: Int = 200, headers: [String: String] = ["Content-Type": "application/json"], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public static func text(status: Int = 200, headers: [String: String] = [:], _ text: String) -> ScriptedAnswer {
        ScriptedAnswer(status: status, headers: headers, body: Array(text.utf8))
    }

    public static func json(status: Int = 200, headers: [String: String] = [:], _ value: JSONValue) -> ScriptedAnswer {
        ScriptedAnswer(status: status, headers: headers, body: value.compactBytes)
    }

    /// An assistant's message that only says something.
    public static func says(_ text: String) -> ScriptedAnswer {
        completion(message: ["role": "assistant", "content": .string(text)], finishReason: "stop")
    }

    /// An assistant's message that calls tools, with ids `call_0`, `call_1`, …
    public static func calls(_ calls: [(name: String, arguments: String)], text: String? = nil) -> ScriptedAnswer {
        let calls = calls.enumerated().map { index, call -> JSONValue in
            [
                "id": .string("call_\(index)"), "type": "function",
                "function": ["name": .string(call.name), "arguments": .string(call.arguments)],
            ]
        }
        let content = text.map(JSONValue.string) ?? .null
        return completion(
            message: ["role": "assistant", "content": content, "tool_calls": .array(calls)], finishReason: "tool_calls")
    }

    public static func completion(message: JSONValue, finishReason: String) -> ScriptedAnswer {
        .json([
            "id": "chatcmpl-scripted", "object": "chat.completion", "created": 0, "model": "scripted",
            "choices": [["index": 0, "message": message, "finish_reason": .string(finishReason)]],
            "usage": ["prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18],
        ])
    }

    public func delayed(by delay: Duration) -> ScriptedAnswer {
        var copy = self
        copy.delay = delay
        return copy
    }

    public func cut(after bytes: Int) -> ScriptedAnswer {
        var copy = self
        copy.cutAfter = bytes
        return copy
    }

    var httpResponse: HTTPResponse {
        // On a connection that is used again, the server's two writes and the client's delayed acknowledgement cost
        // 40 ms an answer.
        var fields = HTTPHeaders([.connection: "close"])
        for (name, value) in headers { fields[HTTPHeader(name)] = value }
        let content =
            cutAfter.map { HTTPBodySequence(from: CutBody(bytes: Array(body.prefix($0))), count: body.count) }
            ?? HTTPBodySequence(data: Data(body), suggestedBufferSize: 64 << 10)
        return HTTPResponse(statusCode: HTTPStatusCode(status, phrase: "Scripted"), headers: fields, body: content)
    }
}

/// Gives its bytes and then fails, on which the server closes the connection.
private struct CutBody: AsyncBufferedSequence {
    typealias Element = UInt8
    var bytes: [UInt8]

    func makeAsyncIterator() -> Iterator { Iterator(rest: bytes) }

    struct Iterator: AsyncBufferedIteratorProtocol {
        var rest: [UInt8]

        mutating func next() async throws -> UInt8? {
            guard !rest.isEmpty else { throw SystemFailure(doing: "cut the answer", errno: ECONNRESET) }
            return rest.removeFirst()
        }

        mutating func nextBuffer(suggested count: Int) async throws -> [UInt8]? {
            guard !rest.isEmpty else { throw SystemFailure(doing: "cut the answer", errno: ECONNRESET) }
            defer { rest.removeAll() }
            return rest
        }
    }
}
