import Search
import Testing

@Suite struct TextIndexTests {
    private func index(_ texts: [String]) throws -> TextIndex {
        let index = try TextIndex()
        for text in texts { try index.add(text: text) }
        return index
    }

    @Test func `More of the words rank higher, stems count, and a stranger is not found`() throws {
        let index = try index([
            "The harbour opens at seven.", "Tides and harbours: the opening times of the lock.", "Bread, milk, eggs.",
        ])
        let hits = try index.search("opening the locks", limit: 5)
        #expect(hits.map(\.document) == [1, 0])
        #expect(hits[0].score == 1)
        #expect(hits[1].score < 1)
        #expect(try index.search("zebra", limit: 5).isEmpty)
    }

    @Test(arguments: [
        "\"", "a AND OR NOT", "x* NEAR(", "'; DROP TABLE documents; --", "^title:", "-", "", "(((", "naïve café",
    ])
    func `A query is only words, whatever is in it`(_ query: String) throws {
        let index = try index(["and or not x near drop table title a", "a naive cafe"])
        let hits = try index.search(query, limit: 3)
        #expect(hits.allSatisfy { (0...1).contains($0.score) })
    }

    @Test func `Accents do not hide a word`() throws {
        #expect(try index(["Café Zürich"]).search("zurich cafe", limit: 1).first?.score == 1)
    }

    @Test func `Pieces are whole lines, split at headings, with their numbers`() {
        let text = "# One\nalpha\n\n# Two\nbeta\ngamma\n"
        let chunks = TextChunk.chunks(of: text)
        #expect(chunks.map(\.firstLine) == [1, 4])
        #expect(chunks.map(\.lastLine) == [3, 7])
        #expect(chunks[1].text.hasPrefix("# Two\nbeta"))
        #expect(TextChunk.chunks(of: "\n \n").isEmpty)
    }

    @Test func `A long text is cut into pieces of about the wanted size`() {
        let text = (1...200).map { "line \($0) with some words in it" }.joined(separator: "\n")
        let chunks = TextChunk.chunks(of: text, size: 600)
        #expect(chunks.allSatisfy { $0.text.utf8.count <= 600 })
        #expect(chunks.first?.firstLine == 1)
        #expect(chunks.last?.lastLine == 200)
        for (a, b) in zip(chunks, chunks.dropFirst()) { #expect(a.lastLine + 1 == b.firstLine) }
    }
}
