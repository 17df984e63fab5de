import JSON
import Lua
import Models

/// A search engine that the run asks for its tools. Its key stays on the host.
public struct SearchProvider: Sendable {
    public enum Kind: String, Sendable, CaseIterable { case searxng, brave, serper }

    public var kind: Kind
    public var url: String
    public var key: APIKey?

    /// - Parameter url: of the provider; SearXNG has none by itself.
    public init(kind: Kind, url: String? = nil, key: APIKey? = nil) throws(SearchSettingsError) {
        let usual: [Kind: String] = [
            .brave: "https://api.search.brave.com/res/v1/web/search", .serper: "https://google.serper.dev/search",
        ]
        guard var address = url ?? usual[kind] else {
            throw SearchSettingsError(
                "the search provider \(kind.rawValue) needs a URL: give --search-url or set ISE_SEARCH_URL")
        }
        guard kind == .searxng || key != nil else {
            throw SearchSettingsError("the search provider \(kind.rawValue) needs a key: set ISE_SEARCH_KEY")
        }
        do throws(HTTPURL.Malformed) { _ = try HTTPURL(address) } catch {
            throw SearchSettingsError("the search provider's URL cannot be used: \(error)")
        }
        if kind == .searxng, !address.hasSuffix("/search") {
            address = (address.hasSuffix("/") ? String(address.dropLast()) : address) + "/search"
        }
        self.kind = kind
        self.url = address
        self.key = key
    }

    /// From flags, else from `ISE_SEARCH_PROVIDER`, `ISE_SEARCH_URL`, `ISE_SEARCH_KEY`; nil when they say nothing.
    public static func ifGiven(
        provider: String?, url: String?, environment: [String: String]
    ) throws(SearchSettingsError) -> SearchProvider? {
        func given(_ flag: String?, _ name: String) -> String? {
            [flag, environment["ISE_SEARCH_" + name]].lazy.compactMap { $0 }.first { !$0.isEmpty }
        }
        guard let name = given(provider, "PROVIDER") else { return nil }
        guard let kind = Kind(rawValue: name.lowercased()) else {
            let known = Kind.allCases.map(\.rawValue)
            throw SearchSettingsError(
                "there is no search provider \"\(name)\"\(Suggestion.question(for: name, among: known)); there are "
                    + known.joined(separator: ", "))
        }
        return try SearchProvider(
            kind: kind, url: given(url, "URL"), key: given(nil, "KEY").flatMap { APIKey($0) })
    }

    func results(of query: WebQuery, _ http: HTTPClient) async throws(LuaHostError) -> [WebResult] {
        let request = try request(for: query)
        let response: HTTPResponse
        do throws(HTTPError) { response = try await http.send(request) } catch {
            throw LuaHostError("E_HTTP", "the search provider cannot be reached: \(error.message)")
        }
        guard (200...299).contains(response.status) else {
            throw LuaHostError("E_HTTP", "the search provider answered with status \(response.status)")
        }
        guard let answer = try? JSONValue(parsing: response.body), let list = list(answer) else {
            throw LuaHostError("E_HTTP", "the search provider's answer is no list of results")
        }
        return list.prefix(query.count).compactMap(result)
    }

    private func list(_ answer: JSONValue) -> [JSONValue]? {
        switch kind {
        case .searxng: answer["results"]?.array
        case .brave: answer["web"]?["results"]?.array ?? (answer.object != nil ? [] : nil)
        case .serper: answer["organic"]?.array ?? (answer.object != nil ? [] : nil)
        }
    }

    private func result(_ entry: JSONValue) -> WebResult? {
        guard let url = (entry["url"] ?? entry["link"])?.string else { return nil }
        let snippet = [entry["content"], entry["description"], entry["snippet"]].lazy.compactMap { $0?.string }.first
        let published = [entry["publishedDate"], entry["page_age"], entry["age"], entry["date"]].lazy
            .compactMap { $0?.string }.first
        return WebResult(title: entry["title"]?.string ?? url, url: url, snippet: snippet ?? "", published: published)
    }

    private func request(for query: WebQuery) throws(LuaHostError) -> HTTPRequest {
        switch kind {
        case .searxng: try searxng(query)
        case .brave: try brave(query)
        case .serper: try serper(query)
        }
    }

    private func searxng(_ query: WebQuery) throws(LuaHostError) -> HTTPRequest {
        try query.refuse(["country", "date_after", "date_before", "ui_lang"], at: "SearXNG")
        var parameters = [("q", query.text), ("format", "json")]
        if let language = query["language"] ?? query["search_lang"] { parameters.append(("language", language)) }
        if let freshness = query["freshness"] { parameters.append(("time_range", freshness)) }
        var headers = [(name: "Accept", value: "application/json")]
        if let key { headers.append((name: "Authorization", value: "Bearer \(key.value)")) }
        return HTTPRequest("GET", url + Self.encoded(parameters), headers: headers)
    }

    private func brave(_ query: WebQuery) throws(LuaHostError) -> HTTPRequest {
        var parameters = [("q", query.text), ("count", String(query.count))]
        if let country = query["country"] { parameters.append(("country", country)) }
        if let language = query["search_lang"] ?? query["language"] { parameters.append(("search_lang", language)) }
        if let language = query["ui_lang"] { parameters.append(("ui_lang", language)) }
        if query.dateAfter != nil || query.dateBefore != nil {
            let range = "\(query.dateAfter ?? "1990-01-01")to\(query.dateBefore ?? "2100-01-01")"
            parameters.append(("freshness", range))
        } else if let freshness = query["freshness"], let letter = freshness.first {
            parameters.append(("freshness", "p\(letter)"))
        }
        let headers = [
            (name: "Accept", value: "application/json"), (name: "X-Subscription-Token", value: key?.value ?? ""),
        ]
        return HTTPRequest("GET", url + Self.encoded(parameters), headers: headers)
    }

    private func serper(_ query: WebQuery) throws(LuaHostError) -> HTTPRequest {
        try query.refuse(["ui_lang"], at: "Serper")
        var body: JSONObject = ["q": .string(query.text), "num": .int(query.count)]
        body["gl"] = query["country"].map { .string($0.lowercased()) }
        body["hl"] = (query["language"] ?? query["search_lang"]).map { .string($0) }
        if let freshness = query["freshness"], let letter = freshness.first { body["tbs"] = .string("qdr:\(letter)") }
        if query.dateAfter != nil || query.dateBefore != nil {
            func american(_ date: String?) -> String {
                let parts = (date ?? "").split(separator: "-")
                return parts.count == 3 ? "\(parts[1])/\(parts[2])/\(parts[0])" : ""
            }
            body["tbs"] = .string("cdr:1,cd_min:\(american(query.dateAfter)),cd_max:\(american(query.dateBefore))")
        }
        let headers = [(name: "Content-Type", value: "application/json"), (name: "X-API-KEY", value: key?.value ?? "")]
        return HTTPRequest("POST", url, headers: headers, body: JSONValue.object(body).compactBytes)
    }

    private static func encoded(_ parameters: [(String, String)]) -> String {
        func encode(_ text: String) -> String {
            text.utf8.map { byte in
                let letter = Character(Unicode.Scalar(byte))
                let isPlain = byte < 0x80 && (letter.isLetter || letter.isNumber || "-_.~".contains(letter))
                let hex = String(byte, radix: 16, uppercase: true)
                return isPlain ? String(letter) : "%" + (hex.count == 1 ? "0" : "") + hex
            }.joined()
        }
        return "?" + parameters.map { "\($0.0)=\(encode($0.1))" }.joined(separator: "&")
    }
}

/// What a search asks for.
struct WebQuery: Sendable {
    var text: String
    var count: Int
    var dateAfter: String?
    var dateBefore: String?
    private var filters: [String: String] = [:]

    subscript(name: String) -> String? { filters[name] }

    init(_ value: LuaValue) throws(LuaHostError) {
        let names = ["country", "language", "freshness", "date_after", "date_before", "search_lang", "ui_lang"]
        let request = try ServiceRequest("web.search", value, known: ["query", "count"] + names)
        text = try request.text("query")
        count = try request.integer("count", 1...20) ?? 5
        for name in names { filters[name] = try request.textIfGiven(name) }
        dateAfter = try Self.date("date_after", filters)
        dateBefore = try Self.date("date_before", filters)
        if let dateAfter, let dateBefore, dateAfter > dateBefore {
            throw LuaHostError("E_ARGUMENT", "date_after \(dateAfter) is later than date_before \(dateBefore)")
        }
    }

    private static func date(_ name: String, _ filters: [String: String]) throws(LuaHostError) -> String? {
        guard let text = filters[name] else { return nil }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let isDate = parts.map(\.utf8.count) == [4, 2, 2] && parts.allSatisfy { $0.utf8.allSatisfy(isDigit) }
        guard isDate else {
            throw LuaHostError("E_ARGUMENT", "\(name) of web.search must be a date such as 2025-12-31, not \(text)")
        }
        return text
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// A filter that would be ignored is an error, not a result that looks filtered.
    func refuse(_ names: [String], at place: String) throws(LuaHostError) {
        guard let name = names.first(where: { filters[$0] != nil }) else { return }
        throw LuaHostError("E_UNSUPPORTED", "\(place) cannot filter by \(name); search without it")
    }
}

struct WebResult: Sendable {
    var title: String
    var url: String
    var snippet: String
    var published: String?

    var json: JSONValue {
        [
            "title": .string(title), "url": .string(url), "snippet": .string(snippet),
            "published": published.map(JSONValue.string) ?? .null,
        ]
    }
}

/// Settings that no search can be made with.
public struct SearchSettingsError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String
    init(_ description: String) { self.description = description }
}
