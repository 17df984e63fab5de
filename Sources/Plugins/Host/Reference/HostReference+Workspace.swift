// The `ws` table.

extension HostReference {
    static let workspace: [Function] = [
        Function(
            "ws.exec", "Runs a program in the workspace and returns when it has ended. No shell stands between.",
            [Field("argv", "string[]", "The program and its arguments, as they are: nothing is rewritten.")],
            options: [
                Field("cwd", "string?", "Where it starts; the home when not given."),
                Field("stdin", "string?", "What it reads; without it, it finds an end of file at once."),
                Field("env", "table<string, string>?", "Added to its environment."),
                Field("timeout_ms", "integer?", default: "120000", "Then it and all that it started is killed."),
                Field("silence_ms", "integer?", "The longest that it may write nothing."),
                Field("max_bytes", "integer?", default: "1048576", "Bytes kept of each stream: head and tail."),
                Field(
                    "patience_ms", "integer?", "If it takes longer it goes on as a job; the result is a job.State then."
                ),
            ] + jobOptions,
            returns: "ws.ExecResult", "A code other than 0 is a result, not an error.",
            failures: [
                notPermitted, Failure("E_COMMAND_NOT_FOUND", "There is no such program."),
                Failure("E_NOEXEC", "It is no program, or not executable."), noEntry,
                Failure("E_TOO_BIG", "The arguments are more than the kernel takes."),
            ],
            permission: .exec, waits: true),
        Function(
            "ws.read", "Reads a file, or a part of it. Bytes stay as they are.", [path],
            options: [
                Field("offset", "integer?", default: "0", "Bytes to skip."),
                Field("max_bytes", "integer?", default: "8388608", "More is the error E_TOO_BIG, never a silent cut."),
                Field("encoding", "string?", "\"base64\": the bytes in that form."),
                Field("missing", "string?", "\"nil\": a file that is not there gives nil instead of an error."),
            ],
            returns: "string", "The bytes.",
            failures: [
                notPermitted, noEntry, isDirectory, noAccess,
                Failure("E_TOO_BIG", "There is more than max_bytes."),
            ],
            permission: .read, waits: true),
        Function(
            "ws.list", "Lists a directory, sorted by the bytes of the paths.", [path],
            options: [
                Field("recursive", "boolean?", default: "false", "Also what is below; links are not followed."),
                Field("max", "integer?", default: "10000", "Entries at most; the result says when there were more."),
            ],
            returns: "ws.Listing", failures: [notPermitted, noEntry, notDirectory, noAccess],
            permission: .read, waits: true),
        Function(
            "ws.stat", "Looks at a file without opening it. A link is not followed.", [path],
            returns: "ws.Status?", "nil when there is none.", failures: [notPermitted, noAccess],
            permission: .read, waits: true),
        Function(
            "ws.write", "Writes a file, with the directories above it.",
            [path, Field("bytes", "string", "All that it holds then.")],
            options: [
                Field("append", "boolean?", default: "false", "Adds to its end."),
                Field("mode", "integer?", default: "420 (0644)", "Permission bits."),
            ],
            failures: [
                notPermitted, isDirectory, noAccess, Failure("E_NOSPC", "The workspace's disk is full."),
            ],
            permission: .write, waits: true),
        Function(
            "ws.remove", "Removes a file, a link or an empty directory.", [path],
            options: [Field("recursive", "boolean?", default: "false", "A directory with all that is below.")],
            failures: [notPermitted, noEntry, noAccess, Failure("E_EXIST", "The directory is not empty.")],
            permission: .write, waits: true),
        Function(
            "ws.mkdir", "Makes a directory and those above it; one that is there already is no error.", [path],
            failures: [notPermitted, noAccess, Failure("E_EXIST", "A file is in the way.")],
            permission: .write, waits: true),
    ]

    static let workspaceRecords: [Record] = [
        Record(
            "ws.ExecResult", "What a program did.",
            [
                Field("code", "integer?", "Its exit code; nil when a signal ended it."),
                Field("signal", "integer?", "The signal that ended it."),
                Field("ended_by", "string", "exit, signal, timeout, silence, cancelled, cpu_limit, memory_limit, …"),
                Field("stdout", "string", "What was kept of its output."),
                Field("stderr", "string", "What was kept of its errors."),
                Field("stdout_bytes", "integer", "What it wrote in all."),
                Field("stderr_bytes", "integer", "What it wrote in all."),
                Field("truncated", "boolean", "Whether something of a stream was not kept."),
                Field("timed_out", "boolean", "Whether timeout_ms or silence_ms ended it."),
                Field("wall_ms", "integer", "From start to end."),
                Field("left_running", "ws.Process[]", "What it started that is still there."),
            ]),
        Record(
            "ws.Process", "A process that a program left behind.",
            [
                Field("pid", "integer", "In the workspace's numbering."),
                Field("command", "string", "Its name."),
            ]),
        Record(
            "ws.Listing", "A directory's entries.",
            [
                Field("entries", "ws.Entry[]", "Sorted by path."),
                Field("truncated", "boolean", "There was more than max, or a directory that could not be read."),
            ]),
        Record(
            "ws.Entry", "One of them.",
            [Field("path", "string", "Relative to the directory that was listed.")] + status),
        Record("ws.Status", "A file as it is.", status),
    ]

    private static let status = [
        Field("kind", "string", "file, directory, link or other."), Field("size", "integer", "Bytes."),
        Field("mode", "integer", "Permission bits."),
    ]

    private static let path = Field("path", "string", "Absolute, or relative to the home.")
    static let jobOptions = [
        Field("pty", "boolean?", default: "false", "Its standard streams are a terminal of 24 lines and 80 columns."),
        Field("keep_input", "boolean?", default: "false", "Its input stays open for job.write."),
    ]

    private static let notPermitted = Failure("E_PERMISSION", "The manifest does not allow this one.")
    private static let noEntry = Failure("E_NOENT", "It does not exist.")
    private static let isDirectory = Failure("E_ISDIR", "It is a directory.")
    private static let notDirectory = Failure("E_NOTDIR", "It is no directory.")
    private static let noAccess = Failure("E_ACCES", "The commands' user has no right to it.")
}
