import JSON
import Search

/// Pages that a task's world has of the web: the member `corpus` of its fixture, a list of `{url, title, text, date}`. Searches
/// find them and fetches get them, without a network.
struct Corpus: Sendable {
    struct Page: Sendable {
        var url: String
        var title: String
        var text: String
        /// `text/html` when the text is HTML.
        var contentType: String
        /// `YYYY-MM-DD`.
        var date: String?
    }

    let pages: [Page]

    init(_ tasks: [JSONValue]) {
        pages = tasks.flatMap { $0["fixture"]?["corpus"]?.array ?? [] }.compactMap { entry in
            guard let url = entry["url"]?.string, let text = (entry["html"] ?? entry["text"])?.string else {
                return nil
            }
            return Page(
                url: url, title: entry["title"]?.string ?? url, text: text,
                contentType: entry["html"] == nil ? "text/plain; charset=utf-8" : "text/html; charset=utf-8",
                date: entry["date"]?.string)
        }
    }

    func page(_ url: String) -> Page? {
        func plain(_ url: String) -> Substring {
            let url = url.prefix { $0 != "#" }
            return url.hasSuffix("/") ? url.dropLast() : url
        }
        return pages.first { plain($0.url) == plain(url) }
    }

    /// - Parameter dates: the first and the last that count; a page without a date then doesn't.
    func search(
        _ query: String, limit: Int, dates: ClosedRange<String>? = nil
    ) throws(SearchError) -> [(page: Page, snippet: String)] {
        let index = try TextIndex()
        for page in pages { try index.add(title: page.title, text: page.text) }
        var found: [(page: Page, snippet: String)] = []
        for hit in try index.search(query, limit: pages.count) {
            let page = pages[hit.document]
            if let dates, !(page.date.map(dates.contains) ?? false) { continue }
            found.append((page, hit.snippet))
        }
        return Array(found.prefix(limit))
    }
}
