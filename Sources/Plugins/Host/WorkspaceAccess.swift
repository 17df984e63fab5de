import Workspaces

/// What host functions need of a workspace. The tests and `plugin test` put a fake behind it.
public protocol WorkspaceAccess: Sendable {
    func exec(_ command: ExecRequest) async throws(WorkspaceError) -> ExecResult
    /// As `exec`, but a command that takes longer than `patience` goes on as a job.
    func exec(_ command: ExecRequest, patience: Duration) async throws(WorkspaceError) -> PatientOutcome
    /// Starts a command and returns once it runs.
    func startJob(_ command: ExecRequest) async throws(WorkspaceError) -> any JobAccess
    func read(_ path: String, offset: Int, limit: Int) async throws(WorkspaceError) -> [UInt8]
    func write(
        _ path: String, _ bytes: [UInt8], mode: UInt16, append: Bool, createParents: Bool
    ) async throws(WorkspaceError)
    func list(_ path: String, recursive: Bool, limit: Int) async throws(WorkspaceError) -> FileListing
    func stat(_ path: String) async throws(WorkspaceError) -> FileStatus?
    func remove(_ path: String, recursive: Bool) async throws(WorkspaceError)
    func makeDirectory(_ path: String) async throws(WorkspaceError)
}

/// What came of a command that was not waited for at any price.
public enum PatientOutcome: Sendable {
    case finished(ExecResult)
    case running(any JobAccess)
}

/// A command that runs on while its plugin does something else, as host functions see it.
public protocol JobAccess: Sendable {
    var request: ExecRequest { get }
    /// Inside the workspace.
    var pid: Int { get }
    /// Nil while it runs.
    var result: ExecResult? { get }
    /// What it has written until now. With a terminal all is in `stdout`.
    var stdout: CapturedOutput { get }
    var stderr: CapturedOutput { get }
    /// Its end, or nil when `limit` is over before.
    func wait(atMost limit: Duration) async throws(WorkspaceError) -> ExecResult?
    /// False when it has closed its end.
    func write(_ bytes: [UInt8]) -> Bool
    func finishInput()
    func resize(_ size: TerminalSize)
    /// To it and to all that it started.
    func signal(_ number: Int32)
}

extension Job: JobAccess {}

extension Workspace: WorkspaceAccess {
    public func startJob(_ command: ExecRequest) async throws(WorkspaceError) -> any JobAccess {
        let job: Job = try await start(command)
        return job
    }

    public func exec(_ command: ExecRequest, patience: Duration) async throws(WorkspaceError) -> PatientOutcome {
        let outcome: ExecOutcome = try await exec(command, patience: patience)
        switch outcome {
        case .finished(let result): return .finished(result)
        case .running(let job): return .running(job)
        }
    }
}

extension WorkspaceAccess {
    /// For workspaces that have no jobs.
    public func startJob(_ command: ExecRequest) async throws(WorkspaceError) -> any JobAccess {
        throw WorkspaceError(.unavailable, "this workspace runs no jobs")
    }

    public func exec(_ command: ExecRequest, patience: Duration) async throws(WorkspaceError) -> PatientOutcome {
        let job = try await startJob(command)
        return try await job.wait(atMost: patience).map { .finished($0) } ?? .running(job)
    }
}
