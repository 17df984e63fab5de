import Glibc
import Synchronization
import WorkspaceShim

/// A command between its request and its end, on the host's side.
final class RunningCommand: Sendable {
    let request: ExecRequest
    let stdout: OutputStream
    let stderr: OutputStream
    let stdin: InputStream
    /// Its pid inside, once it runs.
    let started = OneShot<Result<Int, WorkspaceError>>()
    let outcome = OneShot<Result<ExecResult, WorkspaceError>>()
    private let refusedCalls = Mutex<[Int32: Refusal]>([:])

    private struct Refusal {
        var count = 0
        var arguments: [Int]
    }
    private let terminal = Mutex<Int32>(-1)

    private let egress: EgressProxy?
    private let firstAttempt: Int

    init(_ request: ExecRequest, _ reactor: Reactor, _ egress: EgressProxy? = nil) {
        self.request = request
        self.egress = egress
        firstAttempt = egress?.log.count ?? 0
        stdout = OutputStream(reactor, limit: request.outputLimit, isHandedOut: request.streamsOutput)
        stderr = OutputStream(reactor, limit: request.outputLimit, isHandedOut: request.streamsOutput)
        stdin = InputStream(reactor)
    }

    deinit { setTerminal(-1) }

    /// Makes the pipes and returns the command's ends, which the caller closes once they are sent. A terminal comes later, from
    /// the init.
    func makePipes() throws(WorkspaceError) -> [Int32] {
        guard request.terminal == nil else { return [] }
        var its: [Int32] = []
        do {
            if !request.stdin.isEmpty || request.keepsInput {
                let pipe = try Self.pipe(readEndWaits: true)
                its.append(pipe.its)
                stdin.attach(pipe.ours)
                stdin.write(request.stdin)
                if !request.keepsInput { stdin.finish() }
            }
            for stream in [stdout, stderr] {
                let pipe = try Self.pipe(readEndWaits: false)
                its.append(pipe.its)
                stream.attach(pipe.ours)
            }
            return its
        } catch {
            for descriptor in its { close(descriptor) }
            closeStreams()
            throw error
        }
    }

    private static func pipe(readEndWaits: Bool) throws(WorkspaceError) -> (ours: Int32, its: Int32) {
        var ends: [Int32] = [-1, -1]
        let error = ise_pipe(&ends, readEndWaits)
        guard error == 0 else { throw .failed(stage: "make a pipe for the command", errno: error) }
        return readEndWaits ? (ends[1], ends[0]) : (ends[0], ends[1])
    }

    /// The init says that it runs; with a terminal, its master end comes along.
    func noteStart(_ message: IncomingMessage) {
        if let master = message.descriptors.first {
            setTerminal(fcntl(master, F_DUPFD_CLOEXEC, 4))
            stdin.attach(fcntl(master, F_DUPFD_CLOEXEC, 4))
            stdin.write(request.stdin)
            stdout.attach(master)
        }
        started.set(.success(Int(truncatingIfNeeded: message.field(ISE_T_PID)?.number ?? 0)))
    }

    func resize(_ size: TerminalSize) {
        terminal.withLock { descriptor in
            var window = winsize(ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0)
            _ = ioctl(descriptor, UInt(TIOCSWINSZ), &window)
        }
    }

    private func setTerminal(_ descriptor: Int32) {
        let old = terminal.withLock { terminal in
            defer { terminal = descriptor }
            return terminal
        }
        if old >= 0 { close(old) }
    }

    func closeStreams() {
        stdout.close()
        stderr.close()
        stdin.close()
        setTerminal(-1)
    }

    func fail(_ error: WorkspaceError) {
        closeStreams()
        started.set(.failure(error))
        outcome.set(.failure(error))
    }

    func noteDenial(_ call: RefusedCall) {
        refusedCalls.withLock { $0[call.number, default: Refusal(arguments: call.plainArguments)].count += 1 }
    }

    /// The init's report is the last thing that the command itself could cause: its output is in the pipes by now.
    ///
    /// - Parameter listens: the host hears of what the policy's filter refuses.
    func finish(report: IncomingMessage, processes: ProcessTracker? = nil, listens: Bool = true) {
        stdout.drain()
        stderr.drain()
        egress?.settle()
        stdin.close()
        setTerminal(-1)
        var numbers: [UInt32: UInt64] = [:]
        var left: [LeftProcess] = []
        report.forEachField { field in
            if field.tag == ISE_T_LEFT.rawValue, field.bytes.count >= 4 {
                let pid = field.bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
                let command = String(decoding: field.bytes.dropFirst(4), as: UTF8.self)
                left.append(LeftProcess(pid: Int(pid), command: command))
            } else {
                numbers[field.tag] = field.number
            }
        }
        func number(_ tag: ise_tag) -> Int64 { Int64(truncatingIfNeeded: numbers[tag.rawValue] ?? 0) }
        let status = Int32(truncatingIfNeeded: number(ISE_T_STATUS))
        let exited = status & 0x7f == 0
        var result =
            ExecResult(
                exitCode: exited ? Int(status >> 8 & 0xff) : nil,
                signal: exited ? nil : Int(status & 0x7f),
                endedBy: Self.end(UInt32(truncatingIfNeeded: number(ISE_T_ENDED_BY)), status),
                stdout: stdout.output, stderr: stderr.output,
                wall: .nanoseconds(number(ISE_T_WALL_NS)),
                userCPU: .microseconds(number(ISE_T_USER_US)),
                systemCPU: .microseconds(number(ISE_T_SYSTEM_US)),
                maxRSSBytes: Int(number(ISE_T_RSS_KB)) << 10,
                killLatency: numbers[ISE_T_KILL_NS.rawValue].map { .nanoseconds(Int64(truncatingIfNeeded: $0)) },
                leftRunning: left,
                denials: denials,
                networkAttempts: egress?.log.attempts(since: firstAttempt) ?? [])
        result.denialsAreComplete = listens && request.confinement.isNone
        if let (records, omitted) = processes?.take(numbers[ISE_T_MARK.rawValue] ?? 0, argv: request.argv) {
            result.processes = records
            result.processesOmitted = omitted
        }
        outcome.set(.success(result))
    }

    private static func end(_ reason: UInt32, _ status: Int32) -> ExecEnd {
        switch reason {
        case ISE_ENDED_TIMEOUT.rawValue: .timeout
        case ISE_ENDED_SILENCE.rawValue: .silence
        case ISE_ENDED_CANCELLED.rawValue: .cancelled
        default:
            switch status & 0x7f {
            case 0: .exit
            case SIGXCPU: .cpuLimit
            case SIGXFSZ: .fileSizeLimit
            default: .signal
            }
        }
    }

    private var denials: [Denial] {
        refusedCalls.withLock { $0 }
            .map { Denial(syscall: syscallName($0), count: $1.count, arguments: $1.arguments) }
            .sorted { $0.syscall < $1.syscall }
    }
}

/// The name of a system call of an architecture (`AUDIT_ARCH_*`), or its number.
func syscallName(_ number: Int32, on architecture: UInt32 = ISE_NATIVE) -> String {
    guard let name = ise_syscall_name(architecture, number) else { return "syscall_\(number)" }
    defer { free(name) }
    return String(cString: name)
}
