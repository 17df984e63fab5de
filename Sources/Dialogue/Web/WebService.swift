import JSON
import Lua
import Models
import Plugins
import Trace
import Workspaces

/// `http.fetch` and `web.search`: the web as far as the run's policy and the tool's manifest allow it, and the pages of the
/// task's own world. Every attempt to connect is recorded.
struct WebService: Sendable {
    let network: Policy.Network
    let corpus: Corpus
    /// Nil: this run has no client.
    let http: HTTPClient?
    let search: SearchProvider?
    /// Counts bytes; false when the workspace has used up those that its policy allows.
    let charge: @Sendable (Int) -> Bool

    static let longestBody = 2 << 20
    static let mostRedirects = 5

    func functions(for plugin: Plugin, log: HostCallLog) -> [String: HostService] {
        [
            "http.fetch": { request throws(LuaHostError) in try await fetch(request, plugin, log) },
            "web.search": { request throws(LuaHostError) in try await search(request) },
        ]
    }

    // MARK: Fetching

    private func fetch(
        _ request: LuaValue, _ plugin: Plugin, _ log: HostCallLog
    ) async throws(LuaHostError) -> LuaValue {
        let request = try ServiceRequest(
            "http.fetch", request, known: ["url", "headers", "max_bytes", "timeout_ms", "max_redirects"])
        let text = try request.text("url")
        if let page = corpus.page(text) { return Self.view(page) }
        var url = try Self.parse(text)
        let check = EgressCheck(network, narrowedBy: plugin.permissions.networkRules)
        let redirects = try request.integer("max_redirects", 0...10) ?? Self.mostRedirects
        let time = Duration.milliseconds(try request.integer("timeout_ms", 1...600_000) ?? 30_000)
        let end = ContinuousClock.now + time
        for followed in 0...redirects {
            let response = try await get(url, request, check, until: end, log)
            guard [301, 302, 303, 307, 308].contains(response.status), let location = response.header("location") else {
                return Self.view(response, url, followed)
            }
            url = try Self.parse(location, relativeTo: url)
            if let page = corpus.page(url.description) { return Self.view(page) }
        }
        throw LuaHostError("E_HTTP", "\(text) is redirected more than \(redirects) times; the last time to \(url)")
    }

    /// Decides about one URL, gets it from the address that was decided about, and records both.
    private func get(
        _ url: HTTPURL, _ request: ServiceRequest, _ check: EgressCheck, until end: ContinuousClock.Instant,
        _ log: HostCallLog
    ) async throws(LuaHostError) -> HTTPResponse {
        var attempt = await check.attempt("GET", host: url.host, port: url.port)
        if attempt.verdict == .pending, !charge(0) {
            (attempt.verdict, attempt.reason) = (.refused, "the workspace has used up the bytes that its policy allows")
        }
        guard attempt.verdict == .pending, let http else {
            if attempt.verdict == .pending {
                (attempt.verdict, attempt.reason) = (.failed, "this run has no web client")
            }
            log.append(.network(attempt, url: url.description, response: nil))
            throw LuaHostError(
                attempt.verdict == .refused ? "E_REFUSED" : "E_HTTP",
                "\(url) \(attempt.verdict == .refused ? "is refused" : "cannot be reached"): \(attempt.reason)")
        }
        var message = HTTPRequest("GET", url.description, headers: try request.headers(under: Self.headers))
        message.address = attempt.address
        message.maximumResponseBytes = try request.integer("max_bytes", 1...(8 << 20)) ?? Self.longestBody
        message.cutsLongBodies = true
        message.timeout = max(.milliseconds(1), end - .now)
        message.connectTimeout = min(.seconds(10), message.timeout)
        do throws(HTTPError) {
            let response = try await http.send(message)
            attempt.verdict = .allowed
            attempt.bytesIn = response.body.count
            _ = charge(response.body.count)
            log.append(.network(attempt, url: url.description, response: response))
            return response
        } catch {
            (attempt.verdict, attempt.reason) = (.failed, error.message)
            log.append(.network(attempt, url: url.description, response: nil))
            throw LuaHostError("E_HTTP", "\(url) cannot be reached: \(error.message)")
        }
    }

    private static let headers = [
        (name: "User-Agent", value: "Mozilla/5.0 (compatible; ise)"),
        (name: "Accept", value: "text/html,application/xhtml+xml,application/json,text/*;q=0.9,*/*;q=0.5"),
        (name: "Accept-Language", value: "en;q=0.9,*;q=0.5"),
    ]

    private static func parse(_ text: String, relativeTo base: HTTPURL? = nil) throws(LuaHostError) -> HTTPURL {
        do throws(HTTPURL.Malformed) { return try HTTPURL(text, relativeTo: base) } catch {
            throw LuaHostError("E_URL", error.description)
        }
    }

    private static func view(_ response: HTTPResponse, _ url: HTTPURL, _ redirects: Int) -> LuaValue {
        var members: [LuaValue.Member] = [
            .init("status", .int(response.status)), .init("url", .string(url.description)),
            .init("body", .bytes(response.body)), .init("truncated", .bool(response.isCut)),
            .init("redirects", .int(redirects)), .init("source", "web"),
        ]
        if let type = response.header("content-type") { members.append(.init("content_type", .string(type))) }
        return .object(members)
    }

    private static func view(_ page: Corpus.Page) -> LuaValue {
        [
            "status": 200, "url": .string(page.url), "body": .string(page.text), "truncated": false, "redirects": 0,
            "source": "corpus", "content_type": .string(page.contentType),
        ]
    }

    // MARK: Searching

    private func search(_ request: LuaValue) async throws(LuaHostError) -> LuaValue {
        let query = try WebQuery(request)
        if let search {
            guard let http else { throw LuaHostError("E_UNAVAILABLE", "this run has no web client") }
            return LuaValue(
                [
                    "provider": .string(search.kind.rawValue),
                    "results": .array(try await search.results(of: query, http).map(\.json)),
                ], droppingNulls: true)
        }
        guard !corpus.pages.isEmpty else {
            throw LuaHostError(
                "E_UNAVAILABLE",
                "no search provider is configured for this run, and the task brings no pages of its own")
        }
        return try search(query, in: corpus)
    }

    private func search(_ query: WebQuery, in corpus: Corpus) throws(LuaHostError) -> LuaValue {
        try query.refuse(["country", "language", "freshness", "search_lang", "ui_lang"], at: "the task's pages")
        let dates =
            query.dateAfter == nil && query.dateBefore == nil
            ? nil : (query.dateAfter ?? "0000-00-00")...(query.dateBefore ?? "9999-99-99")
        do {
            let found = try corpus.search(query.text, limit: query.count, dates: dates)
            let results = found.map { entry in
                WebResult(
                    title: entry.page.title, url: entry.page.url, snippet: entry.snippet, published: entry.page.date
                )
                .json
            }
            return LuaValue(["provider": "corpus", "results": .array(results)], droppingNulls: true)
        } catch { throw LuaHostError("E_UNAVAILABLE", "\(error)") }
    }
}
