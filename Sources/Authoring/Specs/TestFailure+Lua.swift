import JSON
import Lua
import Plugins

extension TestFailure {
    /// What a spec raised, at the line of the spec, with what the plugin did last.
    init(_ error: LuaError, spec: SpecFile, stage: Stage?) {
        self.init(error.message, file: error.file, line: error.line)
        if case .raised(let code, _) = error.kind { message = "\(code): \(error.message)" }
        if case .limit(.wall) = error.kind { message = "the test takes too long and was ended" }
        if file != spec.name || line == nil, let place = Self.line(of: spec.name, in: error.traceback ?? "") {
            (file, line) = (spec.name, place)
        }
        guard let stage else { return }
        if let note = stage.note, let difference = Self.difference(note) { details.append(contentsOf: difference) }
        guard let record = stage.records.last, case .failure(let failure) = record.result,
            error.message.hasPrefix(failure.message)
        else { return }
        details.append(
            "raised by the plugin\(failure.file.map { " at \($0)\(failure.line.map { ":\($0)" } ?? "")" } ?? "")")
        if failure.code == "plugin_bug" || failure.code == "limit", let traceback = failure.traceback {
            for row in traceback.split(separator: "\n") { details.append(String(row).replacing("\t", with: "  ")) }
        }
        if !failure.lastHostCalls.isEmpty {
            details.append("host calls before it: \(failure.lastHostCalls.joined(separator: ", "))")
        }
    }

    /// The innermost line of a file in a traceback.
    private static func line(of file: String, in traceback: String) -> Int? {
        for row in traceback.split(separator: "\n") {
            guard let start = row.range(of: file + ":") else { continue }
            return Int(row[start.upperBound...].prefix { $0.isNumber })
        }
        return nil
    }

    /// For texts of several lines: the lines that differ.
    private static func difference(_ note: LuaValue) -> [String]? {
        guard let got = note["got"]?.string, let wanted = note["wanted"]?.string,
            got.contains("\n") || wanted.contains("\n")
        else { return nil }
        let (left, right) = (lines(wanted), lines(got))
        let common = zip(left, right).prefix { $0 == $1 }.count
        var rows = ["line \(common + 1) is the first that differs:"]
        for line in left.dropFirst(common).prefix(3) { rows.append("  - \(line)") }
        for line in right.dropFirst(common).prefix(3) { rows.append("  + \(line)") }
        return rows
    }

    private static func lines(_ text: String) -> [Substring] {
        text.split(separator: "\n", omittingEmptySubsequences: false)
    }
}

extension StringProtocol {
    /// The first place of `piece`.
    fileprivate func range(of piece: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(piece) { return start..<index(start, offsetBy: piece.count) }
            start = index(after: start)
        }
        return nil
    }
}
