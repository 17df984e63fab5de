import JSON

/// What really happened in one user turn. The simulator and the guards see it beside the agent's prose, so that a claim of
/// the agent is never the only source.
public struct ExecutionDigest: Sendable, Hashable {
    public struct Call: Sendable, Hashable {
        public var tool: String
        public var ok: Bool
        public var exitCode: Int?
        /// The error code of a call that no program answered, such as `unknown_tool` or `E_NOENT`.
        public var error: String?
        /// The end of standard error, of a failed call the end of its text where there is no standard error.
        public var stderrTail: String?
        /// The call in a few words: the tool and its main argument.
        public var summary: String
    }

    public var calls: [Call] = []
    public var files = FileChanges()

    public init(calls: [Call] = [], files: FileChanges = .init()) {
        self.calls = calls
        self.files = files
    }

    /// As plugins see it. Absent facts are absent keys.
    public var json: JSONValue {
        ["calls": .array(calls.map(\.json)), "files": files.json, "text": .string(text)]
    }

    /// The same in a few lines, for a prompt.
    public var text: String {
        var lines = calls.map(\.line)
        if calls.isEmpty { lines.append("no tool was called") }
        for (label, paths) in [("created", files.created), ("changed", files.changed), ("deleted", files.deleted)]
        where !paths.isEmpty {
            lines.append("\(label): \(Self.enumerate(paths))")
        }
        if files.isEmpty { lines.append("no file was changed") }
        return lines.joined(separator: "\n")
    }

    private static func enumerate(_ paths: [String]) -> String {
        let shown = paths.prefix(20).joined(separator: ", ")
        return paths.count > 20 ? "\(shown) and \(paths.count - 20) more" : shown
    }
}

extension ExecutionDigest.Call {
    init(_ result: ToolResult) {
        let fromStandardError = result.lastExec?.stderr.text.tail(300)
        self.init(
            tool: result.call.call.name, ok: result.ok, exitCode: result.exitCode, error: result.errorCode,
            stderrTail: fromStandardError ?? (result.ok ? nil : result.text.tail(300)),
            summary: Self.summarize(result.call.call))
    }

    private static func summarize(_ call: ProposedCall) -> String {
        let arguments = try? JSONValue(parsing: call.arguments)
        let main = arguments?["command"]?.string ?? arguments?["path"]?.string ?? call.arguments
        return "\(call.name) \(main.replacingNewlines.head(120))"
    }

    fileprivate var json: JSONValue {
        var object: JSONObject = ["tool": .string(tool), "ok": .bool(ok)]
        object["exit_code"] = exitCode.map { .int($0) }
        object["error"] = error.map { .string($0) }
        object["stderr_tail"] = stderrTail.map { .string($0) }
        object["summary"] = .string(summary)
        return .object(object)
    }

    fileprivate var line: String {
        if ok { return "\(summary): ok" }
        let how = exitCode.map { "exit \($0)" } ?? error ?? "no exit code"
        guard let tail = stderrTail else { return "\(summary): failed, \(how)" }
        return "\(summary): failed, \(how): \(tail.replacingNewlines)"
    }
}

extension String {
    /// The first `count` characters, marked where something is missing.
    func head(_ count: Int) -> String {
        self.count <= count ? self : String(prefix(count)) + "…"
    }

    /// The last `count` characters without surrounding white space, nil when nothing is left.
    func tail(_ count: Int) -> String? {
        guard let last = lastIndex(where: { !$0.isWhitespace }), let first = firstIndex(where: { !$0.isWhitespace })
        else { return nil }
        let text = self[first...last]
        return text.count <= count ? String(text) : "…" + text.suffix(count)
    }

    var replacingNewlines: String { split(whereSeparator: \.isNewline).joined(separator: " ") }
}
