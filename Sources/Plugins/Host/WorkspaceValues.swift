import Basics
import Lua
import Workspaces

// What workspaces answer, as Lua sees it.

extension LuaValue {
    init(_ result: ExecResult) {
        var members: [Member] = [
            Member("ended_by", .string(result.endedBy.rawValue)),
            Member("stdout", .bytes(result.stdout.bytes)),
            Member("stderr", .bytes(result.stderr.bytes)),
            Member("stdout_bytes", .int(result.stdout.totalBytes)),
            Member("stderr_bytes", .int(result.stderr.totalBytes)),
            Member("truncated", .bool(result.stdout.truncated || result.stderr.truncated)),
            Member("timed_out", .bool(result.endedBy == .timeout || result.endedBy == .silence)),
            Member("wall_ms", .int(result.wall.wholeMilliseconds)),
            Member(
                "left_running",
                .array(result.leftRunning.map { ["pid": .int($0.pid), "command": .string($0.command)] })),
        ]
        if let code = result.exitCode { members.append(Member("code", .int(code))) }
        if let signal = result.signal { members.append(Member("signal", .int(signal))) }
        self = .object(members)
    }

    init(_ status: FileStatus) {
        self = ["kind": .string(status.kind.rawValue), "size": .int(status.size), "mode": .int(Int(status.mode))]
    }

    init(_ listing: FileListing) {
        let entries = listing.entries.map { entry -> LuaValue in
            [
                "path": .string(entry.path), "kind": .string(entry.status.kind.rawValue),
                "size": .int(entry.status.size), "mode": .int(Int(entry.status.mode)),
            ]
        }
        self = ["entries": .array(entries), "truncated": .bool(listing.truncated)]
    }
}

extension LuaHostError {
    static let noWorkspace = LuaHostError("E_UNAVAILABLE", "there is no workspace for this plugin here")

    init(_ error: WorkspaceError) {
        self.init(
            Self.codes[error.code] ?? "E_IO", error.message,
            details: error.path.map { ["path": .string($0)] })
    }

    private static let codes: [WorkspaceError.Code: String] = [
        .notFound: "E_NOENT", .permission: "E_ACCES", .isDirectory: "E_ISDIR", .notDirectory: "E_NOTDIR",
        .exists: "E_EXIST", .busy: "E_BUSY", .noSpace: "E_NOSPC", .tooBig: "E_TOO_BIG", .invalidPath: "E_INVAL",
        .commandNotFound: "E_COMMAND_NOT_FOUND", .notExecutable: "E_NOEXEC", .closed: "E_CLOSED",
        .unavailable: "E_UNAVAILABLE", .limitUnenforceable: "E_LIMIT_UNENFORCEABLE",
    ]
}
