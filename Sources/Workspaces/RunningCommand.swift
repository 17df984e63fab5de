import Glibc
import Synchronization
import WorkspaceShim

/// A command between its request and its end, on the host's side.
final class RunningCommand: Sendable {
    let request: ExecRequest
    let stdout: OutputStream
    let stderr: OutputStream
    private let stdin: InputStream?
    let outcome = OneShot<Result<ExecResult, WorkspaceError>>()
    private let refusedCalls = Mutex<[Int32: Int]>([:])

    /// The ends for the command; the caller closes them once they are sent.
    let itsDescriptors: [Int32]

    init(_ request: ExecRequest, _ reactor: Reactor) throws(WorkspaceError) {
        var out = try Self.pipe(readEndWaits: false)
        var error: (ours: Int32, its: Int32) = (-1, -1)
        do {
            error = try Self.pipe(readEndWaits: false)
            if request.stdin.isEmpty {
                stdin = nil
                itsDescriptors = [out.its, error.its]
            } else {
                let input = try Self.pipe(readEndWaits: true)
                stdin = InputStream(input.ours, reactor, request.stdin)
                itsDescriptors = [input.its, out.its, error.its]
            }
        } catch let failure {
            for descriptor in [out.ours, out.its, error.ours, error.its] where descriptor >= 0 { close(descriptor) }
            out = (-1, -1)
            throw failure
        }
        self.request = request
        stdout = OutputStream(out.ours, reactor, limit: request.outputLimit)
        stderr = OutputStream(error.ours, reactor, limit: request.outputLimit)
    }

    private static func pipe(readEndWaits: Bool) throws(WorkspaceError) -> (ours: Int32, its: Int32) {
        var ends: [Int32] = [-1, -1]
        let error = ise_pipe(&ends, readEndWaits)
        guard error == 0 else { throw .failed(stage: "make a pipe for the command", errno: error) }
        return readEndWaits ? (ends[1], ends[0]) : (ends[0], ends[1])
    }

    func startStreams() {
        stdout.start()
        stderr.start()
        stdin?.start()
    }

    func closeStreams() {
        stdout.close()
        stderr.close()
        stdin?.close()
    }

    func noteDenial(_ syscall: Int32) {
        refusedCalls.withLock { $0[syscall, default: 0] += 1 }
    }

    /// The init's report is the last thing that the command itself could cause: its output is in the pipes by now.
    func finish(report: IncomingMessage) {
        stdout.drain()
        stderr.drain()
        stdin?.close()
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
        outcome.set(
            .success(
                ExecResult(
                    exitCode: exited ? Int(status >> 8 & 0xff) : nil,
                    signal: exited ? nil : Int(status & 0x7f),
                    endedBy: Self.end(UInt32(truncatingIfNeeded: number(ISE_T_ENDED_BY)), exited: exited),
                    stdout: stdout.output, stderr: stderr.output,
                    wall: .nanoseconds(number(ISE_T_WALL_NS)),
                    userCPU: .microseconds(number(ISE_T_USER_US)),
                    systemCPU: .microseconds(number(ISE_T_SYSTEM_US)),
                    maxRSSBytes: Int(number(ISE_T_RSS_KB)) << 10,
                    killLatency: numbers[ISE_T_KILL_NS.rawValue].map { .nanoseconds(Int64(truncatingIfNeeded: $0)) },
                    leftRunning: left,
                    denials: denials)))
    }

    private static func end(_ reason: UInt32, exited: Bool) -> ExecEnd {
        switch reason {
        case ISE_ENDED_TIMEOUT.rawValue: .timeout
        case ISE_ENDED_SILENCE.rawValue: .silence
        case ISE_ENDED_CANCELLED.rawValue: .cancelled
        default: exited ? .exit : .signal
        }
    }

    private var denials: [Denial] {
        refusedCalls.withLock { $0 }
            .map { number, count in Denial(syscall: syscallName(number), count: count) }
            .sorted { $0.syscall < $1.syscall }
    }
}

/// The name of a system call of this architecture, or its number.
func syscallName(_ number: Int32) -> String {
    guard let name = ise_syscall_name(number) else { return "syscall_\(number)" }
    defer { free(name) }
    return String(cString: name)
}
