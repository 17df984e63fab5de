import Basics
import JSON
import Models
import Synchronization
import Trace

/// The `chat` service of one role: sends a plugin's request to the role's model, records request and answer exactly, counts
/// tokens.
final class RecordedChat: Sendable {
    let role: ModelRole
    private let client: ChatClient
    private let trace: TraceWriter
    private let state = Mutex(State())

    private struct State {
        var turn: Int?
        var tokens = 0
    }

    init(_ role: ModelRole, client: ChatClient, trace: TraceWriter) {
        self.role = role
        self.client = client
        self.trace = trace
    }

    /// The user turn that requests belong to from now on.
    func begin(turn: Int) { state.withLock { $0.turn = turn } }

    /// Of all requests so far, as far as the server counts them.
    var tokens: Int { state.withLock { $0.tokens } }

    /// - Throws: `ChatError` when the model gave no answer, `TraceError` when the trace cannot be written.
    func answer(_ request: JSONValue) async throws -> JSONValue {
        let turn = state.withLock { $0.turn }
        let body = client.body(request.object ?? [:])
        let event = try trace.append(
            .modelRequest(role: role.rawValue, endpoint: client.settings.endpoint, body: body, turn: turn))
        let exchange = await client.complete(body)
        try trace.append(
            .modelResponse(
                role: role.rawValue, request: event, body: exchange.rawAnswer, attempts: exchange.attempts.map(\.json),
                wallMilliseconds: exchange.wall.wholeMilliseconds, error: exchange.error?.message, turn: turn))
        let response = try exchange.result.get()
        state.withLock { $0.tokens += response.usage?.total ?? 0 }
        return response.view
    }
}

extension ChatExchange {
    fileprivate var error: ChatError? {
        if case .failure(let error) = result { error } else { nil }
    }
}

extension ChatResponse {
    /// As plugins get it.
    fileprivate var view: JSONValue {
        var view: JSONObject = ["message": message]
        view["finish_reason"] = finishReason.map { .string($0) }
        view["usage"] = usage?.view
        return .object(view)
    }
}

extension ChatResponse.Usage {
    fileprivate var total: Int { (promptTokens ?? 0) + (completionTokens ?? 0) }

    fileprivate var view: JSONValue {
        var view: JSONObject = [:]
        view["prompt_tokens"] = promptTokens.map { .int($0) }
        view["completion_tokens"] = completionTokens.map { .int($0) }
        return .object(view)
    }
}
