import JSON

/// Speaks the OpenAI embeddings protocol to one model.
public struct EmbeddingClient: Sendable {
    public let settings: ChatSettings
    private let http: HTTPClient

    public init(settings: ChatSettings, http: HTTPClient) {
        self.settings = settings
        self.http = http
    }

    /// The address of embeddings, for requests and traces.
    public var endpoint: String { settings.url + "/embeddings" }

    public func body(_ texts: [String]) -> JSONValue { ["model": .string(settings.model), "input": JSONValue(texts)] }

    /// Sends a body that `body(_:)` made.
    ///
    /// - Returns: the answer as received but for the key, and one vector for each text.
    /// - Throws: `ChatError` with what the server said, or how its answer is not one of embeddings.
    public func embed(_ body: JSONValue) async throws(ChatError) -> (raw: [UInt8], vectors: [[Double]]) {
        var headers = [("Content-Type", "application/json"), ("Accept", "application/json")]
        if let key = settings.key { headers.append(("Authorization", "Bearer \(key.value)")) }
        var request = HTTPRequest("POST", endpoint, headers: headers, body: body.compactBytes)
        request.timeout = settings.timeout
        request.connectTimeout = settings.connectTimeout
        var response: HTTPResponse
        do throws(HTTPError) { response = try await http.send(request) } catch {
            throw ChatError(code: .connection, message: "\(place): \(error.message)", status: nil, raw: [])
        }
        if let key = settings.key { response.body = key.removed(from: response.body) }
        guard (200...299).contains(response.status) else {
            throw ChatError(
                code: .rejected,
                message: "\(place): status \(response.status): \(ChatError.serverMessage(response.body))",
                status: response.status, raw: response.body)
        }
        let count = body["input"]?.array?.count ?? 0
        guard let vectors = Self.vectors(response.body), vectors.count == count,
            vectors.allSatisfy({ !$0.isEmpty && $0.count == vectors[0].count })
        else {
            throw ChatError(
                code: .malformed, message: "\(place): the answer holds no \(count) embeddings of one length",
                status: response.status, raw: response.body)
        }
        return (response.body, vectors)
    }

    private static func vectors(_ body: [UInt8]) -> [[Double]]? {
        guard let data = (try? JSONValue(parsing: body))?["data"]?.array else { return nil }
        let sorted = data.sorted { ($0["index"]?.int ?? 0) < ($1["index"]?.int ?? 0) }
        return sorted.map { $0["embedding"]?.array?.compactMap(\.double) ?? [] }
    }

    private var place: String { "embedding model \(settings.model) at \(HTTPRequest("POST", endpoint).publicURL)" }
}
