/// Pieces of a text file that are searched by themselves: whole lines, split at headings and blank lines where that gives
/// pieces of a good size.
public struct TextChunk: Sendable, Hashable {
    /// 1-based, inclusive.
    public var firstLine: Int
    public var lastLine: Int
    public var text: String

    /// - Parameter size: bytes that a piece aims at; one line that is longer is a piece of its own.
    public static func chunks(of text: String, size: Int = 1200) -> [TextChunk] {
        var chunks: [TextChunk] = []
        var lines: [Substring] = []
        var first = 1
        var bytes = 0
        func close(before next: Int) {
            if lines.contains(where: { !$0.allSatisfy(\.isWhitespace) }) {
                chunks.append(
                    TextChunk(firstLine: first, lastLine: next - 1, text: lines.joined(separator: "\n")))
            }
            lines = []
            first = next
            bytes = 0
        }
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let isBreak = line.hasPrefix("#") || (line.allSatisfy(\.isWhitespace) && bytes > size / 2)
            if !lines.isEmpty, isBreak || bytes + line.utf8.count > size { close(before: index + 1) }
            lines.append(line)
            bytes += line.utf8.count + 1
        }
        close(before: first + lines.count)
        return chunks
    }
}
