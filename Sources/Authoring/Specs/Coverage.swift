import JSON
import Plugins
import Synchronization

/// Which lines of a plugin ran while its specs did. What can run comes from the compiled files, so that functions which
/// nobody calls count, too.
public final class Coverage: Sendable {
    private let plugin: Plugin
    private let hits = Mutex<[String: Set<Int>]>([:])

    public init(_ plugin: Plugin) { self.plugin = plugin }

    func note(_ file: String, _ line: Int) { hits.withLock { _ = $0[file, default: []].insert(line) } }

    public struct File: Sendable {
        public var name: String
        /// Lines that have code.
        public var lines: Int
        public var covered: Int
        /// Runs of lines that never ran: "12-15".
        public var missed: [String]
    }

    /// By name.
    public var files: [File] {
        let hits = hits.withLock { $0 }
        return plugin.sources.sorted { $0.key < $1.key }.compactMap { name, source in
            guard let lines = LuaChunk(source, chunk: name)?.lines, !lines.isEmpty else { return nil }
            let missed = lines.subtracting(hits[name] ?? [])
            return File(
                name: name, lines: lines.count, covered: lines.count - missed.count,
                missed: Self.runs(missed.sorted(), among: lines.sorted()))
        }
    }

    /// Joins lines that follow each other among those with code.
    private static func runs(_ missed: [Int], among lines: [Int]) -> [String] {
        let places = Dictionary(uniqueKeysWithValues: lines.enumerated().map { ($0.element, $0.offset) })
        var runs: [ClosedRange<Int>] = []
        for line in missed {
            if let last = runs.last, places[line] == (places[last.upperBound] ?? 0) + 1 {
                runs[runs.count - 1] = last.lowerBound...line
            } else {
                runs.append(line...line)
            }
        }
        return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
    }

    /// One line a file, and how much in all.
    public var text: String {
        let files = files
        guard !files.isEmpty else { return "" }
        let (lines, covered) = (files.reduce(0) { $0 + $1.lines }, files.reduce(0) { $0 + $1.covered })
        var rows = ["  coverage \(Self.percent(covered, lines)) of \(lines) lines"]
        for file in files where file.covered < file.lines {
            let missed = file.missed.prefix(12).joined(separator: ", ") + (file.missed.count > 12 ? ", …" : "")
            rows.append("    \(file.name) \(Self.percent(file.covered, file.lines)), never ran: \(missed)")
        }
        return rows.joined(separator: "\n")
    }

    /// One line of `--json`.
    public var json: JSONValue {
        let files = files.map { file -> JSONValue in
            [
                "file": .string(file.name), "lines": .int(file.lines), "covered": .int(file.covered),
                "missed": JSONValue(file.missed),
            ]
        }
        return ["plugin": .string(plugin.title), "coverage": .array(files)]
    }

    private static func percent(_ part: Int, _ whole: Int) -> String { "\(whole == 0 ? 100 : part * 100 / whole) %" }
}
