import Glibc
import WorkspaceShim

/// A command that runs on while the caller does something else.
public final class Job: Sendable {
    public let id: String
    public let request: ExecRequest
    /// Inside the workspace.
    public let pid: Int

    private let command: RunningCommand
    private let send: @Sendable (Int32) -> Void

    init(_ command: RunningCommand, number: UInt32, pid: Int, in workspace: Workspace) {
        id = "job-\(number)"
        request = command.request
        self.pid = pid
        self.command = command
        send = { [weak workspace] in workspace?.signal(number, $0, reason: ISE_ENDED_CANCELLED) }
    }

    /// Nil while it runs.
    public var result: ExecResult? { try? command.outcome.valueIfSet?.get() }
    public var isRunning: Bool { command.outcome.valueIfSet == nil }

    /// What it has written until now, also after its end, by a child that it left behind. With a terminal all is in `stdout`.
    public var stdout: CapturedOutput { command.stdout.output }
    public var stderr: CapturedOutput { command.stderr.output }

    /// Waits for its end. Cancelling the waiting task leaves the job alone.
    public func wait() async throws(WorkspaceError) -> ExecResult { try await command.outcome.value.get() }

    /// Waits for its end, but not longer than `limit`; nil: it runs on.
    public func wait(atMost limit: Duration) async throws(WorkspaceError) -> ExecResult? {
        let outcome = command.outcome
        let first = await withTaskGroup(of: Result<ExecResult, WorkspaceError>?.self) { group in
            group.addTask { await outcome.valueUnlessCancelled }
            group.addTask {
                try? await Task.sleep(for: limit)
                return outcome.valueIfSet
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        return try first?.get()
    }

    /// Writes to its standard input, which `request.keepsInput` or a terminal keeps open. False when it has closed its end.
    @discardableResult
    public func write(_ bytes: [UInt8]) -> Bool { command.stdin.write(bytes) }

    /// As `write`, but returns only when the command's pipe has taken all of it: input of any length needs little memory.
    @discardableResult
    public func send(_ bytes: [UInt8]) async -> Bool { await command.stdin.send(bytes) }

    /// What it writes, from the beginning to its end, when `request.streamsOutput`. One reader a stream.
    public func chunks(of stream: StandardStream) -> OutputChunks {
        OutputChunks(stream: stream == .stdout ? command.stdout : command.stderr)
    }

    /// The end of its standard input. With a terminal, the end-of-file character.
    public func finishInput() {
        if request.terminal != nil { command.stdin.write([0x04]) } else { command.stdin.finish() }
    }

    public func resize(_ size: TerminalSize) { command.resize(size) }

    /// Sends a signal to it and to all that it started; `SIGKILL` until nothing of it is left.
    public func signal(_ number: Int32) { send(number) }

    public func kill() { signal(SIGKILL) }
}

/// In characters.
public struct TerminalSize: Sendable, Hashable {
    public var rows: UInt16
    public var columns: UInt16

    public init(rows: UInt16 = 24, columns: UInt16 = 80) {
        self.rows = rows
        self.columns = columns
    }
}

extension Workspace {
    /// Starts a command and returns once it runs. Its time limit is the request's.
    public func start(_ request: ExecRequest) async throws(WorkspaceError) -> Job {
        let (command, number) = try send(request, try await enforced(request.confinement), announced: true)
        let pid = try await command.started.value.get()
        let job = Job(command, number: number, pid: pid, in: self)
        keep(job)
        return job
    }

    /// As `exec`, but a command that takes longer than `patience` goes on as a job. Until then it is killed when the task is
    /// cancelled.
    public func exec(_ request: ExecRequest, patience: Duration) async throws(WorkspaceError) -> ExecOutcome {
        try await noteOwnChanges()
        let job = try await start(request)
        var ended = try await job.wait(atMost: patience)
        if ended == nil, Task.isCancelled {
            job.kill()
            ended = try await job.wait()
        }
        guard var result = ended else { return .running(job) }
        forget(job)
        if result.exitCode != 0 { addLimitHits(to: &result) }
        try await addChanges(to: &result)
        return .finished(result)
    }
}

public enum ExecOutcome: Sendable {
    case finished(ExecResult)
    case running(Job)
}
