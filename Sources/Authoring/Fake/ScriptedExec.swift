import Lua
import Workspaces

// Commands of a fake workspace: how a spec sees them, and what it may answer.

extension LuaValue {
    init(_ request: ExecRequest, isJob: Bool) {
        var members = [
            Member("argv", .array(request.argv.map(LuaValue.bytes))), Member("cwd", .string(request.directory)),
            Member("stdin", .bytes(request.stdin)),
            Member("env", .object(request.environment.sorted { $0.key < $1.key }.map { Member($0, .string($1)) })),
            Member("timeout_ms", .int(Int(request.timeout / .milliseconds(1)))),
            Member("job", .bool(isJob)), Member("terminal", .bool(request.terminal != nil)),
        ]
        if let silence = request.silenceTimeout {
            members.append(Member("silence_ms", .int(Int(silence / .milliseconds(1)))))
        }
        self = .object(members)
    }
}

extension ExecResult {
    /// Keeps no more of a stream than the request wants kept.
    init(scripted answer: LuaValue, limit: Int) {
        let signal = answer["signal"]?.int
        let timedOut = answer["timed_out"]?.bool == true
        let end: ExecEnd =
            answer["ended_by"]?.string.flatMap(ExecEnd.init) ?? (timedOut ? .timeout : signal == nil ? .exit : .signal)
        let left = (answer["left_running"]?.array ?? []).map { process in
            LeftProcess(pid: process["pid"]?.int ?? 100, command: process["command"]?.string ?? "")
        }
        self.init(
            exitCode: end == .exit ? answer["code"]?.int ?? 0 : nil,
            signal: end == .exit ? nil : signal ?? (timedOut ? 9 : nil), endedBy: end,
            stdout: Self.output(answer["stdout"], total: answer["stdout_bytes"], limit),
            stderr: Self.output(answer["stderr"], total: answer["stderr_bytes"], limit),
            wall: .milliseconds(answer["wall_ms"]?.int ?? 1), leftRunning: left)
    }

    private static func output(_ value: LuaValue?, total: LuaValue?, _ limit: Int) -> CapturedOutput {
        let bytes = value?.bytes ?? []
        let total = max(bytes.count, total?.int ?? 0)
        guard bytes.count > limit else { return CapturedOutput(head: bytes, totalBytes: total) }
        let head = limit - limit / 2
        return CapturedOutput(
            head: Array(bytes.prefix(head)), tail: Array(bytes.suffix(limit - head)), totalBytes: total)
    }
}

extension WorkspaceError {
    /// The error that a spec names by the code that Lua sees.
    init(scripted error: LuaHostError) {
        let codes: [String: Code] = [
            "E_NOENT": .notFound, "E_ACCES": .permission, "E_ISDIR": .isDirectory, "E_NOTDIR": .notDirectory,
            "E_EXIST": .exists, "E_NOSPC": .noSpace, "E_TOO_BIG": .tooBig, "E_INVAL": .invalidPath,
            "E_COMMAND_NOT_FOUND": .commandNotFound, "E_NOEXEC": .notExecutable, "E_CLOSED": .closed,
            "E_UNAVAILABLE": .unavailable, "E_LIMIT_UNENFORCEABLE": .limitUnenforceable,
        ]
        self.init(codes[error.code] ?? .io, error.message)
    }
}
