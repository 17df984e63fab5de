/// A command to run in a workspace.
public struct ExecRequest: Sendable {
    /// The program and its arguments, as bytes: nothing is rewritten, no shell stands between.
    public var argv: [[UInt8]]
    /// Added to the workspace's own environment, in which nothing of the host's is.
    public var environment: [String: String]
    /// Where it starts; a relative path begins at the home.
    public var directory: String
    /// What it reads; empty: it finds an end of file at once.
    public var stdin: [UInt8]
    /// More input comes by `Job.write`.
    public var keepsInput = false
    /// Its output is handed out by `Job.chunks(of:)` as it comes, and the command waits when nobody takes it.
    public var streamsOutput = false
    /// Its standard streams are a terminal of this size. Standard error is then part of standard output.
    public var terminal: TerminalSize?
    /// Bounds of each process of the command; the workspace's own bounds hold besides.
    public var limits = ProcessLimits()
    /// What it may do less than the workspace.
    public var confinement = Confinement()
    /// Executes nothing: see `LiveProbe`.
    var probesWalls = false
    /// From its start until its whole tree is killed. Zero: for as long as it likes.
    public var timeout: Duration
    /// The longest it may write nothing.
    public var silenceTimeout: Duration?
    /// Bytes kept of each stream. A command may write more; what is between beginning and end is then counted, not kept.
    public var outputLimit: Int

    public init(
        argv: [String], environment: [String: String] = [:], directory: String = Workspace.home, stdin: [UInt8] = [],
        timeout: Duration = .seconds(120), silenceTimeout: Duration? = nil, outputLimit: Int = 10 << 20
    ) {
        self.argv = argv.map { Array($0.utf8) }
        self.environment = environment
        self.directory = directory
        self.stdin = stdin
        self.timeout = timeout
        self.silenceTimeout = silenceTimeout
        self.outputLimit = outputLimit
    }

    /// `sh -c`.
    public static func shell(_ command: String, timeout: Duration = .seconds(120)) -> ExecRequest {
        ExecRequest(argv: ["/bin/sh", "-c", command], timeout: timeout)
    }
}

/// Bounds that `setrlimit(2)` puts on each process of a command. Nil: the workspace's.
public struct ProcessLimits: Sendable, Hashable {
    /// Seconds of processor time; then SIGXCPU.
    public var cpuSeconds: Int?
    /// Bytes of address space.
    public var memoryBytes: Int?
    /// Bytes of one file; then SIGXFSZ.
    public var fileBytes: Int?
    public var openFiles: Int?
    public var processes: Int?

    public init() {}
}

/// How a command came to its end.
public enum ExecEnd: String, Sendable {
    case exit, signal, timeout, silence, cancelled
    case cpuLimit = "cpu_limit"
    case fileSizeLimit = "file_size_limit"
    /// The kernel killed it for the workspace's memory limit.
    case memoryLimit = "memory_limit"
}

/// A process that a command left behind.
public struct LeftProcess: Sendable, Equatable {
    /// In the workspace's own numbering.
    public var pid: Int
    public var command: String

    public init(pid: Int, command: String) {
        self.pid = pid
        self.command = command
    }
}

/// A system call that the policy refused.
public struct Denial: Sendable, Equatable {
    public var syscall: String
    public var count: Int
    /// The leading arguments of the first such call that are plain numbers (flags, families, requests). Pointers are left out:
    /// what they point at could change while it is read.
    public var arguments: [Int] = []
}

/// A limit of the workspace that a command ran into.
public struct LimitHit: Sendable, Equatable {
    public var limit: Limits.Kind
    /// Processes that the kernel killed for memory; forks that it refused.
    public var count: Int
}

/// What a command did, as the kernel tells it.
public struct ExecResult: Sendable {
    /// Nil when a signal ended it.
    public var exitCode: Int?
    public var signal: Int?
    public var endedBy: ExecEnd
    public var stdout: CapturedOutput
    public var stderr: CapturedOutput
    public var wall: Duration
    /// Of the command and the children it waited for.
    public var userCPU: Duration
    public var systemCPU: Duration
    public var maxRSSBytes: Int
    /// From the decision to kill until the last process of the command was gone; nil when it was not killed.
    public var killLatency: Duration?
    public var leftRunning: [LeftProcess]
    public var denials: [Denial]
    /// False: `denials` is no list of all that was refused. The policy does not ask for one, or the command was confined: what its
    /// own Landlock layer and filter refuse, the kernel tells nobody (see `Confinement`).
    public var denialsAreComplete = true
    /// Of memory and processes, where control groups bound them; looked up only when the command failed.
    public var limitHits: [LimitHit] = []
    /// Sorted by path; nil when the policy's change tracking is off.
    public var changes: [FileChange]?
    /// False: some of what was written could not be read, so `changes` may lack something.
    public var changesAreComplete = true
    /// Those that ran, in the order of their starts; nil when the policy does not track them.
    public var processes: [ProcessRecord]?
    /// Ended ones that `processes` has no room for.
    public var processesOmitted = 0
    /// What went through the proxy of an allow-list while it ran, also for what an earlier command left running.
    public var networkAttempts: [EgressAttempt] = []

    public init(
        exitCode: Int?, signal: Int? = nil, endedBy: ExecEnd = .exit, stdout: CapturedOutput = CapturedOutput(),
        stderr: CapturedOutput = CapturedOutput(), wall: Duration = .zero, userCPU: Duration = .zero,
        systemCPU: Duration = .zero, maxRSSBytes: Int = 0, killLatency: Duration? = nil,
        leftRunning: [LeftProcess] = [], denials: [Denial] = [], networkAttempts: [EgressAttempt] = []
    ) {
        self.exitCode = exitCode
        self.signal = signal
        self.endedBy = endedBy
        self.stdout = stdout
        self.stderr = stderr
        self.wall = wall
        self.userCPU = userCPU
        self.systemCPU = systemCPU
        self.maxRSSBytes = maxRSSBytes
        self.killLatency = killLatency
        self.leftRunning = leftRunning
        self.denials = denials
        self.networkAttempts = networkAttempts
    }

    public var succeeded: Bool { exitCode == 0 && endedBy == .exit }
}
