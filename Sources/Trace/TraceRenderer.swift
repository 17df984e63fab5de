import JSON

/// Writes a trace for people: the dialogue, what ran and what came of it.
///
/// Feed it the records in their order and print what it returns. Nothing that was recorded reaches the terminal as a
/// control sequence.
public struct TraceRenderer: Sendable {
    /// How much of each output and text is shown.
    public var maximumLines: Int
    /// Also model traffic, logs and guards that passed.
    public var isVerbose: Bool

    private let style: TerminalStyle
    private var turn: Int?
    private var outcome: String?

    public init(color: Bool, maximumLines: Int = 16, verbose: Bool = false) {
        style = TerminalStyle(isOn: color)
        self.maximumLines = maximumLines
        isVerbose = verbose
    }

    /// The text for one event, newlines included; empty for events that are not shown.
    public mutating func render(_ record: TraceRecord) -> String {
        let body = lines(for: record)
        guard !body.isEmpty else { return "" }
        var heading: [String] = []
        if let turn = record.turn, turn != self.turn {
            self.turn = turn
            heading = ["", style(.bold, "── turn \(turn) " + String(repeating: "─", count: 60))]
        }
        return (heading + body).map { $0 + "\n" }.joined()
    }

    /// The last line, which says how the file ended; empty for a complete one.
    public func render(_ tail: TraceReader.Tail) -> String {
        switch tail {
        case .unread, .complete: ""
        case .unfinished: style(.yellow, "unfinished: the trace has no end event") + "\n"
        case .torn(let bytes): style(.yellow, "unfinished: the last line was cut off (\(bytes) bytes dropped)") + "\n"
        }
    }

    private mutating func lines(for record: TraceRecord) -> [String] {
        switch record.kind {
        case .start: start(record)
        case .intent: intent(record)
        case .plugins: isVerbose ? plugins(record) : []
        case .prompt: isVerbose ? labelled("system", .dim, record["system"]) : []
        case .userTurn: labelled("user", .blue, record["text"])
        case .agentMessage: agentMessage(record)
        case .toolCall: [style(.cyan, "  → \(text(record["tool"])) \(arguments(record["arguments"]))")]
        case .exec: isVerbose ? exec(record) : []
        case .hostCall: isVerbose ? hostCall(record) : []
        case .network: network(record)
        case .event: labelled(text(record["source"]), .yellow, record["text"])
        case .session: session(record)
        case .toolResult: toolResult(record)
        case .digest: digest(record)
        case .modelRequest: isVerbose ? [style(.dim, "  model request (\(text(record["role"])))")] : []
        case .modelResponse: modelResponse(record)
        case .guard: guardWord(record)
        case .goal: goal(record)
        case .denial: [style(.yellow, "  ! refused by the sandbox: \(text(record["denial"]))")]
        case .log: log(record)
        case .outcome: outcome(record)
        case .end: end(record)
        case nil: isVerbose ? [style(.dim, "  \(record.type)")] : []
        }
    }
}

// One function for each kind of event.
extension TraceRenderer {
    private func start(_ record: TraceRecord) -> [String] {
        [
            style(.bold, "trajectory \(text(record["trajectory"]))"),
            style(.dim, "ise \(text(record["ise"])), seed \(text(record["seed"])), \(record.time.rfc3339)"),
        ] + walls(record)
    }

    /// Which policy held, and whether a look from inside found that it did.
    private func walls(_ record: TraceRecord) -> [String] {
        guard record["policy_digest"] != nil else { return [] }
        let policy = "policy \(text(record["policy_digest"]))"
        guard let probe = record["probe"] else { return [style(.yellow, "\(policy), not probed")] }
        let missing = (probe["missing"]?.array ?? []).map { text($0) }
        guard missing.isEmpty else {
            return [style(.red, "\(policy), NOT enforced: \(missing.joined(separator: "; "))")]
        }
        let interfaces = (probe["interfaces"]?.array ?? []).map { text($0) }.joined(separator: ", ")
        let refused = (probe["tried"]?.object?.members ?? []).map(\.key).joined(separator: ", ")
        let head = "\(policy), probed inside: all walls stand"
        guard isVerbose else { return [style(.dim, head)] }
        return [style(.dim, head), style(.dim, "  refused: \(refused); interfaces: \(interfaces)")]
    }

    private func intent(_ record: TraceRecord) -> [String] {
        let intent = record["intent"]
        let wording = ["natural_language_intent", "intent", "query"].lazy.compactMap { intent?[$0]?.string }.first
        return labelled("intent", .dim, wording.map(JSONValue.string) ?? intent)
    }

    private func plugins(_ record: TraceRecord) -> [String] {
        (record["plugins"]?.array ?? []).map { plugin in
            let name = "\(text(plugin["kind"])) \(text(plugin["name"])) \(text(plugin["version"]))"
            return style(.dim, "  plugin \(name) \(text(plugin["hash"]).prefix(12))")
        }
    }

    private func agentMessage(_ record: TraceRecord) -> [String] {
        let reasoning = isVerbose && record["reasoning"] != nil ? labelled("thinks", .dim, record["reasoning"]) : []
        let isSilent = record["text"]?.string?.isEmpty ?? true
        return reasoning + (isSilent ? [] : labelled("agent", .green, record["text"]))
    }

    private func exec(_ record: TraceRecord) -> [String] {
        let command = (record["argv"]?.array ?? []).map { text($0) }.joined(separator: " ")
        return [style(.dim, "    ran \(command)  [\(ending(of: record))]")]
    }

    private func toolResult(_ record: TraceRecord) -> [String] {
        let error = record["error"].flatMap { $0.isNull ? nil : $0 }
        let failed = record["failed"]?.bool == true || error != nil
        let code = record["details"]?["exit_code"]?.int.map { ", exit \($0)" } ?? ""
        let took = record["wall_ms"]?.int.map { ", \($0) ms" } ?? ""
        let kind = error.map { "error \(text($0["code"]))" } ?? (failed ? "failed" : "ok")
        let head = style(failed ? .red : .dim, "  ← \(kind)\(code)\(took)")
        return [head] + excerpt(record["text"]).map { "    " + style(.dim, "│ ") + $0.visible }
    }

    private func digest(_ record: TraceRecord) -> [String] {
        guard let files = record["digest"]?["files"] else { return [] }
        let marks = [("created", "+"), ("changed", "~"), ("deleted", "-")]
        let changes = marks.flatMap { key, mark in
            (files[key]?.array ?? []).map { mark + text($0["path"] ?? $0) }
        }
        return changes.isEmpty ? [] : [style(.yellow, "  files: \(changes.joined(separator: " "))")]
    }

    private func modelResponse(_ record: TraceRecord) -> [String] {
        let took = record["wall_ms"]?.int.map { "\($0) ms" } ?? ""
        let attempts = record["attempts"]?.array?.count ?? 1
        if let error = record["error"]?.string {
            return [style(.red, "  model (\(text(record["role"]))): \(error) [\(took), attempts: \(attempts)]")]
        }
        return isVerbose
            ? [style(.dim, "  model answered (\(text(record["role"]))): \(took), attempts: \(attempts)")] : []
    }

    private func guardWord(_ record: TraceRecord) -> [String] {
        let name = text(record["guard"])
        if record["ok"]?.bool == true { return isVerbose ? [style(.dim, "  guard \(name): ok")] : [] }
        return [style(.yellow, "  guard \(name): \(text(record["reason"]))")]
    }

    private func hostCall(_ record: TraceRecord) -> [String] {
        let outcome = record["error"].map { "  [\(text($0["code"]))]" } ?? ""
        return [style(.dim, "    \(text(record["function"])) \(oneLine(text(record["arguments"])))\(outcome)")]
    }

    private func network(_ record: TraceRecord) -> [String] {
        let attempt = record["attempt"]
        let isAllowed = attempt?["verdict"]?.string == "allowed"
        guard isVerbose || !isAllowed else { return [] }
        let line = "\(text(attempt?["method"])) \(text(attempt?["host"])):\(text(attempt?["port"])) "
        return [
            style(isAllowed ? .dim : .yellow, "    \(line)\(text(attempt?["verdict"])): \(text(attempt?["reason"]))")
        ]
    }

    private func session(_ record: TraceRecord) -> [String] {
        let note = "  session \(text(record["session"])) \(text(record["outcome"])): see \(text(record["trace"]))"
        return [style(.dim, note)]
    }

    private func goal(_ record: TraceRecord) -> [String] {
        let met = record["met"]?.bool == true
        let found = met ? "" : record["found"].map { " (found: \(text($0)))" } ?? ""
        return [style(met ? .green : .red, "\(met ? "✓" : "✗") goal \(text(record["goal"]))\(found)")]
    }

    private func log(_ record: TraceRecord) -> [String] {
        let level = text(record["level"])
        guard isVerbose || level == "error" || level == "warn" else { return [] }
        return [style(level == "error" ? .red : .dim, "  \(level) \(text(record["source"])): \(text(record["text"]))")]
    }

    private mutating func outcome(_ record: TraceRecord) -> [String] {
        let outcome = text(record["outcome"])
        self.outcome = outcome
        return [
            "",
            style(outcome == "completed" ? .green : .red, "outcome: \(outcome)")
                + style(.dim, "  \(text(record["reason"]))"),
        ]
    }

    private func end(_ record: TraceRecord) -> [String] {
        let redacted = (record["redactions"]?.object ?? [:]).compactMap { $0.value.int }.reduce(0, &+)
        let note = redacted > 0 ? ", secrets redacted: \(redacted)" : ""
        let ending = self.outcome == nil ? "outcome: \(text(record["outcome"])), " : ""
        return [style(.dim, "\(ending)\(text(record["events"])) events\(note)")]
    }
}

// Pieces of text.
extension TraceRenderer {
    /// A speaker and what was said, indented below the first line.
    private func labelled(_ label: String, _ labelStyle: TerminalStyle.Style, _ value: JSONValue?) -> [String] {
        let lines = excerpt(value)
        let indent = String(repeating: " ", count: label.count + 2)
        return lines.enumerated().map { index, line in
            (index == 0 ? style(labelStyle, label + ": ") : indent) + line.visible
        }
    }

    /// The lines of a text or of a blob's excerpts, the middle left out where they are too many.
    private func excerpt(_ value: JSONValue?) -> [String] {
        guard let value, !value.isNull else { return [] }
        guard let blob = BlobReference(value) else { return shortened(split(text(value))) }
        let note = "… \(blob.byteCount) bytes in all, \(blob.hash) …"
        let half = max(maximumLines / 2, 1)
        return split(blob.head).prefix(half) + [note] + split(blob.tail).suffix(half)
    }

    private func shortened(_ lines: [String]) -> [String] {
        guard lines.count > maximumLines else { return lines }
        let half = max(maximumLines / 2, 1)
        return lines.prefix(half) + ["… \(lines.count - 2 * half) lines …"] + lines.suffix(half)
    }

    private func split(_ text: String) -> [String] {
        // Not by characters: one is a line end with what comes before or after it.
        var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    /// A command as it is, anything else as JSON on one line.
    private func arguments(_ value: JSONValue?) -> String {
        guard let object = value?.object, object.count == 1, let command = object["command"]?.string else {
            return oneLine(value.map { $0.compact } ?? "")
        }
        return oneLine(command)
    }

    private func oneLine(_ text: String) -> String {
        let line = text.split(separator: "\n").joined(separator: "⏎")
        return line.count > 400 ? line.prefix(400) + "…" : line
    }

    private func ending(of record: TraceRecord) -> String {
        if let code = record["exit_code"]?.int { return "exit \(code)" }
        if let signal = record["signal"]?.int { return "signal \(signal)" }
        return text(record["ended_by"])
    }

    private func text(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null: "–"
        case .string(let text): text
        case let value?: value.compact
        }
    }
}
