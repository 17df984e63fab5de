import Basics
import JSON
import Plugins

/// What a test run says.
public struct TestReport: Sendable {
    public var results: [TestResult]
    public var wall: Duration

    public init(_ results: [TestResult], wall: Duration) {
        self.results = results
        self.wall = wall
    }

    public var failed: Int { results.count { $0.failure != nil } }
    private var passed: Int { results.count { $0.outcome == .passed } }

    public var summary: String {
        let skipped = results.count - passed - failed
        let parts =
            [counted(results.count, "test"), "\(passed) passed"]
            + (failed > 0 ? ["\(failed) failed"] : []) + (skipped > 0 ? ["\(skipped) skipped"] : [])
        return "\(parts.joined(separator: ", ")) in \(Self.seconds(wall))"
    }

    public var json: JSONValue {
        [
            "tests": .int(results.count), "passed": .int(passed), "failed": .int(failed),
            "wall_ms": .int(Int(wall / .milliseconds(1))),
        ]
    }

    static func seconds(_ duration: Duration) -> String {
        let milliseconds = Int(duration / .milliseconds(1))
        guard milliseconds >= 1000 else { return "\(milliseconds) ms" }
        return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
    }

    // MARK: For people

    /// One plugin: a line, then what failed; all tests with `verbose`.
    public func text(verbose: Bool, color: Bool) -> String {
        func paint(_ text: String, _ code: String) -> String { color ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
        var lines: [String] = []
        for result in results {
            switch result.outcome {
            case .passed:
                if verbose {
                    lines.append(
                        "  \(paint("✓", "32")) \(result.name) \(paint("[\(result.mode)] \(Self.seconds(result.wall))", "2"))"
                    )
                }
            case .skipped(let reason):
                if verbose { lines.append("  - \(result.name) \(paint("skipped: \(reason)", "2"))") }
            case .failed(let failure): lines += Self.lines(result, failure, paint)
            }
            for note in result.notes where verbose || !note.hasSuffix("in turn") {
                lines.append("    \(paint(note, "33"))")
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func lines(_ result: TestResult, _ failure: TestFailure, _ paint: (String, String) -> String)
        -> [String]
    {
        let place = failure.file.map { file in failure.line.map { "\(file):\($0)" } ?? file } ?? result.file
        var lines = ["  \(paint("✗", "31")) \(result.name) [\(result.mode)]  \(place)"]
        for line in failure.message.split(separator: "\n", omittingEmptySubsequences: false) {
            lines.append("      \(line)")
        }
        for line in failure.details { lines.append("        \(line)") }
        if !result.log.isEmpty { lines += result.log.suffix(10).map { "        log \($0)" } }
        return lines
    }
}

extension TestResult {
    /// One line of `--json`.
    public var json: JSONValue {
        var object: JSONObject = [
            "plugin": .string(plugin), "file": .string(file), "name": .string(name), "mode": .string(mode),
            "wall_ms": .int(Int(wall / .milliseconds(1))),
        ]
        switch outcome {
        case .passed: object["outcome"] = "passed"
        case .skipped(let reason):
            object["outcome"] = "skipped"
            object["reason"] = .string(reason)
        case .failed(let failure):
            object["outcome"] = "failed"
            object["message"] = .string(failure.message)
            object["at_file"] = failure.file.map { .string($0) }
            object["at_line"] = failure.line.map { .int($0) }
            if !failure.details.isEmpty { object["details"] = JSONValue(failure.details) }
        }
        if !notes.isEmpty { object["notes"] = JSONValue(notes) }
        return .object(object)
    }
}

// MARK: - JUnit

extension TestReport {
    /// The XML that build servers read.
    public var junit: String {
        var lines = [#"<?xml version="1.0" encoding="UTF-8"?>"#]
        lines.append("<testsuites tests=\"\(results.count)\" failures=\"\(failed)\" time=\"\(Self.decimal(wall))\">")
        var suites: [String] = []
        for result in results where !suites.contains(result.plugin) { suites.append(result.plugin) }
        for suite in suites {
            let own = results.filter { $0.plugin == suite }
            let failures = own.count { $0.failure != nil }
            let skipped = own.count { if case .skipped = $0.outcome { true } else { false } }
            lines.append(
                "  <testsuite name=\"\(Self.escape(suite))\" tests=\"\(own.count)\" failures=\"\(failures)\" skipped=\"\(skipped)\">"
            )
            lines += own.flatMap(Self.testCase)
            lines.append("  </testsuite>")
        }
        lines.append("</testsuites>")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func testCase(_ result: TestResult) -> [String] {
        let head =
            "    <testcase classname=\"\(escape(result.plugin)).\(escape(result.mode))\" name=\"\(escape(result.name))\" "
            + "file=\"\(escape(result.file))\" time=\"\(decimal(result.wall))\""
        switch result.outcome {
        case .passed: return [head + "/>"]
        case .skipped(let reason): return [head + "><skipped message=\"\(escape(reason))\"/></testcase>"]
        case .failed(let failure):
            let place = failure.file.map { "\($0):\(failure.line ?? 1)\n" } ?? ""
            let text = place + failure.details.joined(separator: "\n")
            return [head + "><failure message=\"\(escape(failure.message))\">\(escape(text))</failure></testcase>"]
        }
    }

    private static func decimal(_ duration: Duration) -> String {
        let milliseconds = Int(duration / .milliseconds(1))
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
    }

    /// Characters that XML has no place for become U+FFFD.
    private static func escape(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "\n": out += "&#10;"
            case _ where scalar.value < 0x20 && scalar != "\t" || scalar.value == 0xFFFE || scalar.value == 0xFFFF:
                out += "\u{FFFD}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
