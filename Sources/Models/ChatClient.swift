import JSON

/// Speaks the OpenAI chat-completions protocol to one model.
public struct ChatClient: Sendable {
    public let settings: ChatSettings
    private let http: HTTPClient
    private let clock: RetryClock

    /// - Parameter http: may be shared by any number of clients.
    public init(settings: ChatSettings, http: HTTPClient, clock: RetryClock = .system) {
        self.settings = settings
        self.http = http
        self.clock = clock
    }

    /// The body of a request: the model, the settings' parameters, and what the caller asks, which goes before both.
    public func body(_ request: JSONObject) -> JSONValue {
        var body: JSONObject = ["model": .string(settings.model)]
        for (key, value) in settings.parameters { body[key] = value }
        for (key, value) in request { body[key] = value }
        return .object(body)
    }

    /// Sends a body that `body(_:)` made, again where the failure may pass, and waits for the answer.
    ///
    /// 429, 5xx, broken connections and timeouts are tried again; other statuses and malformed answers are not.
    public func complete(_ body: JSONValue) async -> ChatExchange {
        let request = httpRequest(body)
        let start = ContinuousClock.now
        var attempts: [ChatExchange.Attempt] = []
        var wait = Duration.zero
        while true {
            let (attempt, verdict) = await send(request, after: wait)
            attempts.append(attempt)
            let result: Result<ChatResponse, ChatError>
            switch verdict {
            case .answer(let response): result = .success(response)
            case .final(let error): result = .failure(error)
            case .transient(let error, let retryAfter):
                if let next = nextWait(after: attempts.count, asked: retryAfter) {
                    wait = next
                    if await sleep(wait) { continue }
                    result = .failure(cancelled(error))
                } else {
                    result = .failure(error)
                }
            }
            return ChatExchange(
                endpoint: settings.endpoint, request: body, attempts: attempts, result: result,
                wall: ContinuousClock.now - start)
        }
    }

    /// What an attempt means for the next.
    private enum Verdict {
        case answer(ChatResponse)
        case final(ChatError)
        case transient(ChatError, retryAfter: Duration?)

        var error: String? {
            switch self {
            case .answer: nil
            case .final(let error), .transient(let error, _): error.message
            }
        }
    }

    private func httpRequest(_ body: JSONValue) -> HTTPRequest {
        var headers = [("Content-Type", "application/json"), ("Accept", "application/json")]
        if let key = settings.key { headers.append(("Authorization", "Bearer \(key.value)")) }
        var request = HTTPRequest("POST", settings.endpoint, headers: headers, body: body.compactBytes)
        request.timeout = settings.timeout
        request.connectTimeout = settings.connectTimeout
        request.maximumResponseBytes = settings.maximumResponseBytes
        return request
    }

    private func send(_ request: HTTPRequest, after wait: Duration) async -> (ChatExchange.Attempt, Verdict) {
        let start = ContinuousClock.now
        var attempt = ChatExchange.Attempt(wait: wait, wall: .zero, status: nil, body: [], error: nil)
        let verdict: Verdict
        do throws(HTTPError) {
            var response = try await http.send(request)
            if let key = settings.key { response.body = key.removed(from: response.body) }
            attempt.status = response.status
            attempt.body = response.body
            verdict = judge(response)
        } catch {
            verdict = judge(error)
        }
        attempt.wall = ContinuousClock.now - start
        attempt.error = verdict.error
        return (attempt, verdict)
    }

    private func judge(_ response: HTTPResponse) -> Verdict {
        func error(_ code: ChatError.Code, _ reason: String) -> ChatError {
            ChatError(code: code, message: "\(place): \(reason)", status: response.status, raw: response.body)
        }
        guard (200...299).contains(response.status) else {
            let reason = "status \(response.status): \(ChatError.serverMessage(response.body))"
            guard RetryPolicy.isTransient(status: response.status) else { return .final(error(.rejected, reason)) }
            let code: ChatError.Code = response.status == 429 ? .rateLimited : .server
            let retryAfter = RetryPolicy.retryAfter(response.header("retry-after"), now: clock.now())
            return .transient(error(code, reason), retryAfter: retryAfter)
        }
        do throws(ChatResponse.Malformed) {
            return .answer(try ChatResponse(parsing: response.body))
        } catch let malformed {
            return .final(error(.malformed, malformed.reason))
        }
    }

    private func judge(_ error: HTTPError) -> Verdict {
        let code: ChatError.Code =
            switch error.code {
            case .timeout: .timeout
            case .tooBig: .tooBig
            case .cancelled: .cancelled
            case .invalidRequest: .invalidRequest
            case .connection, .interrupted, .tls, .other: .connection
            }
        let chatError = ChatError(code: code, message: "\(place): \(error.message)", status: nil, raw: [])
        return error.isTransient ? .transient(chatError, retryAfter: nil) : .final(chatError)
    }

    /// What errors name: the model and where it is.
    private var place: String { "model \(settings.model) at \(HTTPRequest("POST", settings.endpoint).publicURL)" }

    /// Nil when there is no next attempt.
    private func nextWait(after attempt: Int, asked: Duration?) -> Duration? {
        guard attempt < settings.retry.maximumAttempts else { return nil }
        let own = settings.retry.wait(after: attempt, random: clock.random())
        guard let asked else { return own }
        return asked > settings.retry.longestRetryAfter ? nil : max(asked, own)
    }

    /// False when the task was cancelled meanwhile.
    private func sleep(_ wait: Duration) async -> Bool {
        do {
            try await clock.sleep(wait)
            return !Task.isCancelled
        } catch {
            return false
        }
    }

    private func cancelled(_ last: ChatError) -> ChatError {
        ChatError(
            code: .cancelled, message: "\(place): cancelled while waiting to try again", status: last.status,
            raw: last.raw)
    }
}
