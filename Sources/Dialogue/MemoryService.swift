import Basics
import JSON
import Lua
import Models
import Plugins
import Search
import Synchronization
import Trace
import Workspaces

/// `memory.search` and `memory.get`: over MEMORY.md and memory/*.md in the workspace's home, as they are at that moment.
struct MemoryService: Sendable {
    let workspace: Workspace
    /// A second opinion beside the words' own; nil: words alone.
    let embedder: RecordedEmbedder?

    private static let mostFiles = 200
    private static let longestFile = 1 << 20

    var functions: [String: HostService] {
        [
            "memory.search": { request throws(LuaHostError) in try await search(request) },
            "memory.get": { request throws(LuaHostError) in try await get(request) },
        ]
    }

    private struct Piece: Sendable {
        var path: String
        var chunk: TextChunk
    }

    private func search(_ value: LuaValue) async throws(LuaHostError) -> LuaValue {
        let request = try ServiceRequest("memory.search", value, known: ["query", "max_results", "min_score"])
        let query = try request.text("query")
        let limit = try request.integer("max_results", 1...100) ?? 6
        let least = try request.number("min_score") ?? 0
        let paths = try await paths()
        var pieces: [Piece] = []
        for path in paths {
            pieces += TextChunk.chunks(of: try await text(path)).map { Piece(path: path, chunk: $0) }
        }
        let found = pieces
        var scores = try await blocking { Result { () throws(LuaHostError) in try Self.lexicalScores(query, found) } }
            .get()
        let meanings = try await embedder?.likeness(of: query, to: pieces.map(\.chunk.text))
        if let meanings {
            for (index, likeness) in meanings.enumerated() { scores[index] = (scores[index] + likeness) / 2 }
        }
        let best = pieces.indices.filter { scores[$0] > 0 && scores[$0] >= least }
            .sorted { (scores[$1], $0) < (scores[$0], $1) }.prefix(limit)
        let results = best.map { index -> LuaValue in
            let piece = pieces[index]
            return [
                "path": .string(piece.path), "from": .int(piece.chunk.firstLine), "to": .int(piece.chunk.lastLine),
                "score": .double((scores[index] * 1000).rounded() / 1000), "text": .string(piece.chunk.text),
            ]
        }
        return [
            "results": .array(results), "files": .array(paths.map { .string($0) }),
            "mode": meanings == nil ? "words" : "words and meaning",
        ]
    }

    private static func lexicalScores(_ query: String, _ pieces: [Piece]) throws(LuaHostError) -> [Double] {
        var scores = [Double](repeating: 0, count: pieces.count)
        do throws(SearchError) {
            let index = try TextIndex()
            for piece in pieces { try index.add(text: piece.chunk.text) }
            for hit in try index.search(query, limit: pieces.count) { scores[hit.document] = hit.score }
        } catch { throw LuaHostError("E_UNAVAILABLE", "\(error)") }
        return scores
    }

    private func get(_ value: LuaValue) async throws(LuaHostError) -> LuaValue {
        let request = try ServiceRequest("memory.get", value, known: ["path", "from", "lines"])
        let path = Self.plain(try request.text("path"))
        let known = try await paths()
        guard known.contains(path) else {
            let list = known.isEmpty ? "there are none" : "there are \(known.joined(separator: ", "))"
            throw LuaHostError(
                "E_NOENT", "\(path) is no memory file\(Suggestion.question(for: path, among: known)); \(list)")
        }
        let all = try await text(path).split(separator: "\n", omittingEmptySubsequences: false)
        let total = all.last?.isEmpty == true ? all.count - 1 : all.count
        let first = try request.integer("from", 1...1_000_000) ?? 1
        let count = try request.integer("lines", 1...100_000) ?? total
        let last = min(total, first - 1 + count)
        let shown = first <= last ? all[(first - 1)..<last].joined(separator: "\n") : ""
        return [
            "path": .string(path), "from": .int(first), "to": .int(max(last, first - 1)), "total": .int(total),
            "text": .string(shown),
        ]
    }

    private static func plain(_ path: String) -> String {
        for prefix in ["\(Workspace.home)/", "~/", "./"] where path.hasPrefix(prefix) {
            return String(path.dropFirst(prefix.count))
        }
        return path
    }

    // MARK: Files

    private func paths() async throws(LuaHostError) -> [String] {
        var paths: [String] = []
        do throws(WorkspaceError) {
            for name in ["MEMORY.md", "memory.md"] where try await workspace.stat(name)?.kind == .file {
                paths.append(name)
            }
            if try await workspace.stat("memory")?.kind == .directory {
                let listing = try await workspace.list("memory", recursive: true, limit: 10_000)
                paths += listing.entries.filter { $0.status.kind == .file && $0.path.hasSuffix(".md") }
                    .map { "memory/" + $0.path }
            }
        } catch { throw LuaHostError("E_IO", error.message) }
        return Array(paths.prefix(Self.mostFiles))
    }

    private func text(_ path: String) async throws(LuaHostError) -> String {
        do throws(WorkspaceError) {
            return String(decoding: try await workspace.read(path, limit: Self.longestFile), as: UTF8.self)
        } catch { throw LuaHostError("E_IO", error.message) }
    }
}

/// Embeds texts with the run's embedding model; each request and answer is recorded, and no text is sent twice.
final class RecordedEmbedder: Sendable {
    private let client: EmbeddingClient
    private let trace: TraceWriter
    private let known = Mutex<[String: [Double]]>([:])

    private static let atOnce = 64

    init(client: EmbeddingClient, trace: TraceWriter) {
        self.client = client
        self.trace = trace
    }

    /// The `embed` function of the host API.
    func answer(_ request: JSONValue) async throws -> JSONValue {
        guard let texts = request["input"]?.array?.compactMap(\.string), !texts.isEmpty else {
            throw LuaHostError("E_ARGUMENT", "embed takes {input = {\"text\", …}}")
        }
        return ["embeddings": .array(try await vectors(of: texts).map { .array($0.map { .double($0) }) })]
    }

    /// 0 to 1 for each text.
    func likeness(of query: String, to texts: [String]) async throws(LuaHostError) -> [Double] {
        guard !texts.isEmpty else { return [] }
        let vectors: [[Double]]
        do { vectors = try await self.vectors(of: [query] + texts) } catch { throw LuaHostError("E_MODEL", "\(error)") }
        return vectors.dropFirst().map { max(0, Self.cosine(vectors[0], $0)) }
    }

    private func vectors(of texts: [String]) async throws -> [[Double]] {
        var seen: Set<String> = []
        let missing = known.withLock { known in texts.filter { known[$0] == nil && seen.insert($0).inserted } }
        for start in stride(from: 0, to: missing.count, by: Self.atOnce) {
            let batch = Array(missing[start..<min(start + Self.atOnce, missing.count)])
            let vectors = try await send(batch)
            known.withLock { known in for (text, vector) in zip(batch, vectors) { known[text] = vector } }
        }
        return known.withLock { known in texts.map { known[$0] ?? [] } }
    }

    private func send(_ batch: [String]) async throws -> [[Double]] {
        let body = client.body(batch)
        let start = ContinuousClock.now
        let role = ModelRole.embed.rawValue
        let event = try trace.append(.modelRequest(role: role, endpoint: client.endpoint, body: body, turn: nil))
        let answer: Result<(raw: [UInt8], vectors: [[Double]]), ChatError>
        do throws(ChatError) { answer = .success(try await client.embed(body)) } catch { answer = .failure(error) }
        let (raw, message): ([UInt8], String?) =
            switch answer {
            case .success(let value): (value.raw, nil)
            case .failure(let error): (error.raw, error.message)
            }
        try trace.append(
            .modelResponse(
                role: role, request: event, body: raw, attempts: [],
                wallMilliseconds: (ContinuousClock.now - start).wholeMilliseconds, error: message, turn: nil))
        return try answer.get().vectors
    }

    private static func cosine(_ a: [Double], _ b: [Double]) -> Double {
        var (dot, aa, bb) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) { (dot, aa, bb) = (dot + x * y, aa + x * x, bb + y * y) }
        return aa > 0 && bb > 0 ? dot / (aa * bb).squareRoot() : 0
    }
}
