// Commands that run on.

extension HostReference {
    static let jobs: [Function] = [
        Function(
            "ws.start", "Starts a program and returns once it runs. It is a job from then on.",
            [Field("argv", "string[]", "The program and its arguments.")],
            options: [
                Field("cwd", "string?", "Where it starts; the home when not given."),
                Field("stdin", "string?", "What it reads first."),
                Field("env", "table<string, string>?", "Added to its environment."),
                Field("timeout_ms", "integer?", default: "120000", "Then it and all that it started is killed."),
                Field("silence_ms", "integer?", "The longest that it may write nothing."),
                Field("max_bytes", "integer?", default: "1048576", "Bytes kept of each stream: head and tail."),
            ] + jobOptions,
            returns: "job.Started",
            failures: [
                Failure("E_BUSY", "Too many jobs are running."), Failure("E_COMMAND_NOT_FOUND", "There is none."),
            ],
            permission: .exec, waits: true),
        Function(
            "job.poll", "The state of a job and what it has written from the offsets on.", [id],
            options: [
                Field("offset", "integer?", default: "0", "Bytes of its output to skip."),
                Field("error_offset", "integer?", default: "0", "Bytes of its errors to skip."),
                Field("max_bytes", "integer?", default: "1048576", "Of each stream."),
                Field("wait_ms", "integer?", "Wait so long for output beyond the offsets, or its end."),
            ],
            returns: "job.State", failures: [noJob], permission: .exec, waits: true),
        Function(
            "job.wait", "Waits for the end of a job.", [id],
            options: [Field("at_most_ms", "integer?", "Not longer than this.")],
            returns: "ws.ExecResult?", "nil when it runs on.", failures: [noJob], permission: .exec, waits: true),
        Function(
            "job.write", "Writes to the input of a job.", [id, Field("bytes", "string", "As they are.")],
            returns: "boolean", "false when it has closed its end.", failures: [noJob], permission: .exec, waits: true),
        Function(
            "job.keys", "Types keys at the terminal of a job.",
            [id, Field("keys", "string[]", "Characters, or names: Enter, Tab, Up, F5, C-c (control), M-x (alt).")],
            returns: "boolean", "false when it has closed its end.", failures: [noJob], permission: .exec, waits: true),
        Function(
            "job.finish_input", "Ends the input of a job.", [id], failures: [noJob], permission: .exec, waits: true),
        Function(
            "job.signal", "Sends a signal to a job and all that it started.",
            [id, Field("signal", "any", "A number or a name: 15, \"TERM\".")], failures: [noJob], permission: .exec,
            waits: true),
        Function(
            "job.kill", "Kills a job and all that it started, and waits for its end.", [id],
            returns: "ws.ExecResult?", failures: [noJob], permission: .exec, waits: true),
        Function(
            "job.resize", "Changes the size of the terminal of a job.",
            [id, Field("rows", "integer", ""), Field("columns", "integer", "")], failures: [noJob], permission: .exec,
            waits: true),
        Function(
            "job.list", "All jobs of the trajectory, in the order of their start.", returns: "job.Listed[]",
            permission: .exec, waits: true),
        Function(
            "job.remove", "Forgets a job that has ended.", [id],
            failures: [noJob, Failure("E_BUSY", "It is still running.")], permission: .exec, waits: true),
    ]

    static let jobRecords: [Record] = [
        Record(
            "job.Started", "A job that runs now.",
            [Field("job", "string", "Its id."), Field("pid", "integer", "In the workspace's numbering.")]),
        Record(
            "job.Listed", "A job.",
            facts + [
                Field("argv", "string[]", "What was started."), Field("terminal", "boolean", "Whether it has one."),
                Field("stdout_bytes", "integer", "What it wrote in all."),
                Field("stderr_bytes", "integer", "What it wrote in all."),
            ]),
        Record(
            "job.State", "A job, with output.",
            facts + [
                Field("stdout", "string", "From the offset on."), Field("stderr", "string", "From the offset on."),
                Field("offset", "integer", "For the next poll."),
                Field("error_offset", "integer", "For the next poll."),
                Field("missed", "integer", "Bytes after the offsets that were not kept."),
            ]),
    ]

    private static let facts = [
        Field("job", "string", "Its id."), Field("pid", "integer", "In the workspace's numbering."),
        Field("running", "boolean", ""), Field("code", "integer?", "Its exit code, once it has ended."),
        Field("signal", "integer?", "The signal that ended it."), Field("ended_by", "string?", "How it ended."),
        Field("wall_ms", "integer?", "From start to end."),
    ]

    private static let id = Field("job", "string", "The id of a job.")
    private static let noJob = Failure("E_NOJOB", "There is no such job.")
}
