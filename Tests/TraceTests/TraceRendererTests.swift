import JSON
import TestSupport
import Testing
import Trace

@Suite struct TraceRendererTests {
    private func render(_ path: String, color: Bool = false, verbose: Bool = false) throws -> String {
        var renderer = TraceRenderer(color: color, verbose: verbose)
        let (records, tail) = try records(of: path)
        return records.map { renderer.render($0) }.joined() + renderer.render(tail)
    }

    @Test func `a trace reads like a dialogue`() async throws {
        let bench = try TraceBench()
        let text = try render(try await bench.finishedTrace().path)
        let expected = """
            trajectory t1
            ise 0.1.0, seed 7, 2023-11-14T22:13:20.001Z
            policy sha256:00, not probed
            intent: Count the lines, "please".

            ── turn 1 ────────────────────────────────────────────────────────────
            user: How many lines has data.csv?
              → exec wc -l dat.csv
              ← failed, exit 1
                │ wc: dat.csv: No such file or directory
                │ [exit code 1]

            ── turn 2 ────────────────────────────────────────────────────────────
            user: It is data.csv. Show it, too.
              → exec cat data.csv
              ← ok
                │ line 0, and some text
            """
        #expect(text.hasPrefix(expected))
        #expect(text.contains("bytes in all, sha256:"))
        #expect(text.contains("agent: 2000 lines: done ✓\n"))
        #expect(text.contains("✓ goal {\"kind\":\"file_exists\",\"path\":\"data.csv\"}\n"))
        #expect(text.hasSuffix("outcome: completed  the user is satisfied\n14 events\n"))
    }

    @Test func `colours come only when asked for`() async throws {
        let bench = try TraceBench()
        let path = try await bench.finishedTrace().path
        #expect(try !render(path).contains("\u{1b}"))
        #expect(try render(path, color: true).contains("\u{1b}["))
    }

    @Test func `nothing that was recorded acts on the terminal`() async throws {
        let bench = try TraceBench()
        let attack =
            "\u{1b}]0;title\u{07}\u{1b}[2Jred\u{9b}31m\rback\u{08}\u{202E}txt\u{7f}\r\nFORGED\n\u{301}FORGED\nFORGED"
        let writer = try bench.writer()
        try writer.append(
            .start(
                trajectory: "t1", seed: 1, ise: attack, isolation: [:], policy: "sha256:00", probe: nil, settings: [:]))
        try writer.append(.intent(["natural_language_intent": .string(attack)]))
        try writer.append(.prompt(system: attack, tools: []))
        try writer.append(.userTurn(attack, turn: 1))
        try writer.append(.agentMessage(attack, reasoning: attack, isFinal: false, turn: 1))
        let call = try writer.append(
            .toolCall(id: attack, tool: attack, arguments: ["command": .string(attack)], turn: 1))
        try writer.append(
            .exec(
                argv: [attack], directory: attack, facts: ["ended_by": .string(attack)], stdout: Array(attack.utf8),
                stderr: [],
                call: call, turn: 1))
        try writer.append(
            .toolResult(
                call: call, id: attack, tool: attack, text: attack, failed: true, error: ["code": .string(attack)],
                turn: 1))
        try writer.append(.digest(["files": ["created": [.string(attack)]]], turn: 1))
        try writer.append(.guard(name: attack, query: attack, passed: false, reason: attack, turn: 1))
        try writer.append(.goal(.string(attack), met: false, found: attack))
        try writer.append(.denial(.string(attack), call: call, turn: 1))
        try writer.append(.log("error", attack, source: attack))
        try writer.append(.log("info", String(repeating: attack, count: 2000), source: attack))
        try writer.append(.outcome(attack, reason: attack))
        let path = try await writer.finish(outcome: attack).path
        let text = try render(path, verbose: true)
        let acting = text.unicodeScalars.filter {
            $0 != "\n" && ($0.value < 0x20 || (0x7F...0x9F).contains($0.value) || $0 == "\u{202E}")
        }
        #expect(acting.isEmpty)
        let lines = text.unicodeScalars.split(separator: "\n").map { String($0) }
        #expect(lines.allSatisfy { !$0.contains("FORGED") || $0.contains("⏎") || $0.hasPrefix("  ") })
        #expect(text.contains(#"user: \x1b]0;title\x07\x1b[2Jred\x9b31m\rback\x08\u{202e}txt\x7f"#))
    }

    @Test func `ordinary text is not touched`() {
        #expect("naïve\t日本語 👩‍💻\n".visible == "naïve\t日本語 👩‍💻\n")
    }

    @Test func `an unfinished trace says that it is one`() throws {
        let bench = try TraceBench()
        let writer = try bench.writer()
        try writer.append(.userTurn("hello", turn: 1))
        #expect(try render(bench.directory.file("t1.jsonl.part")).hasSuffix("unfinished: the trace has no end event\n"))
    }
}
