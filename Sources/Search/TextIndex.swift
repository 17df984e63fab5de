import CSQLite

/// A full-text index in memory: SQLite's FTS5 with word stems, ranked by BM25. Belongs to one task at a time.
public final class TextIndex {
    private let database: OpaquePointer
    private let insert: OpaquePointer

    public struct Hit: Sendable, Hashable {
        /// The number of the document, in the order in which they were added, from 0.
        public var document: Int
        /// 0 to 1: half of it how many of the query's words the document has, half its BM25 against the best one's.
        public var score: Double
        /// The part of the text around the words.
        public var snippet: String
    }

    public init() throws(SearchError) {
        var database: OpaquePointer?
        guard sqlite3_open_v2(":memory:", &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil) == SQLITE_OK,
            let database
        else { throw SearchError("SQLite could not open a database in memory") }
        self.database = database
        let table =
            "CREATE VIRTUAL TABLE documents USING fts5(title, text, tokenize = 'porter unicode61 remove_diacritics 2')"
        guard sqlite3_exec(database, table, nil, nil, nil) == SQLITE_OK else {
            let error = SearchError("SQLite has no full-text index here: \(String(cString: sqlite3_errmsg(database)))")
            sqlite3_close_v2(database)
            throw error
        }
        var insert: OpaquePointer?
        sqlite3_prepare_v2(database, "INSERT INTO documents(rowid, title, text) VALUES (?, ?, ?)", -1, &insert, nil)
        guard let insert else {
            sqlite3_close_v2(database)
            throw SearchError("SQLite could not prepare to take documents")
        }
        self.insert = insert
    }

    deinit {
        sqlite3_finalize(insert)
        sqlite3_close_v2(database)
    }

    private var count = 0

    public func add(title: String = "", text: String) throws(SearchError) {
        sqlite3_bind_int64(insert, 1, Int64(count + 1))
        bind(title, at: 2, of: insert)
        bind(text, at: 3, of: insert)
        defer { sqlite3_reset(insert) }
        guard sqlite3_step(insert) == SQLITE_DONE else { throw failure("take a document") }
        count += 1
    }

    /// The best documents for a query in plain words, best first: any word counts, more words count more.
    public func search(_ query: String, limit: Int) throws(SearchError) -> [Hit] {
        let words = Self.words(query)
        guard !words.isEmpty else { return [] }
        var matches: [Int: Int] = [:]
        for word in words {
            try rows("SELECT rowid FROM documents WHERE documents MATCH ?", word) { matches[$0, default: 0] += 1 }
        }
        var found: [(document: Int, rank: Double, snippet: String)] = []
        try rows(
            "SELECT rowid, bm25(documents), snippet(documents, 1, '', '', ' … ', 40) FROM documents WHERE documents MATCH ?",
            words.joined(separator: " OR ")
        ) { row, statement in
            let snippet = sqlite3_column_text(statement, 2).map { String(cString: $0) } ?? ""
            found.append((row, -sqlite3_column_double(statement, 1), snippet))
        }
        let best = found.map(\.rank).max() ?? 0
        let hits = found.map { entry in
            let coverage = Double(matches[entry.document] ?? 0) / Double(words.count)
            let relative = best > 0 ? entry.rank / best : 0
            return Hit(document: entry.document - 1, score: (coverage + relative) / 2, snippet: entry.snippet)
        }
        return Array(hits.sorted { ($1.score, $0.document) < ($0.score, $1.document) }.prefix(limit))
    }

    /// Each as a quoted string of FTS5, so that nothing in it is an operator.
    private static func words(_ query: String) -> [String] {
        var seen: Set<String> = []
        let words = query.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
        return words.filter { seen.insert($0).inserted }.prefix(32).map { "\"\($0)\"" }
    }

    // MARK: SQLite

    private func rows(_ sql: String, _ match: String, _ body: (Int) -> Void) throws(SearchError) {
        try rows(sql, match) { row, _ in body(row) }
    }

    private func rows(_ sql: String, _ match: String, _ body: (Int, OpaquePointer) -> Void) throws(SearchError) {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(database, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
            throw failure("prepare the search")
        }
        defer { sqlite3_finalize(statement) }
        bind(match, at: 1, of: statement)
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: body(Int(sqlite3_column_int64(statement, 0)), statement)
            case SQLITE_DONE: return
            default: throw failure("search")
            }
        }
    }

    private func bind(_ text: String, at index: Int32, of statement: OpaquePointer) {
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)  // SQLite copies the bytes
        sqlite3_bind_text(statement, index, text, Int32(text.utf8.count), transient)
    }

    private func failure(_ what: String) -> SearchError {
        SearchError("SQLite could not \(what): \(String(cString: sqlite3_errmsg(database)))")
    }
}

/// Why there is no index or no result.
public struct SearchError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String
    init(_ description: String) { self.description = description }
}
