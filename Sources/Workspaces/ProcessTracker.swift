import Glibc
import Synchronization
import WorkspaceShim

/// Notes the processes of one workspace's commands. The filter stops each for a moment when it executes a program and when it
/// exits, and the listener calls here; whom a signal ends is found by his pidfd when his command has ended.
///
/// Nothing is decided by what is read here, so it does no harm that a process could change it meanwhile. Missed are processes that
/// neither execute anything nor exit by themselves.
final class ProcessTracker: Sendable {
    /// Kept of one command. More are counted only.
    static let limit = 1000
    private static let argumentBytes = 4096

    private let state = Mutex(State())

    private struct State {
        var alive: [pid_t: Living] = [:]
        var ended: [UInt64: Ended] = [:]
        /// Commands that are over but for what they left running.
        var over: Set<UInt64> = []
        /// The init, once it was met as a parent.
        var initPID: pid_t?
    }

    private struct Living {
        var mark: UInt64
        var record: ProcessRecord
        var start: Int64
        var pidfd: Int32
    }

    private struct Ended {
        var records: [(start: Int64, record: ProcessRecord)] = []
        var count = 0
    }

    deinit { for living in state.withLock({ $0.alive.values.map(\.pidfd) }) { close(living) } }

    /// False for a call that is none of its business.
    func note(_ call: ise_denial) -> Bool {
        switch Int(call.number) {
        case Int(ISE_NR_EXECVE): noteExec(pid_t(call.pid), arguments: call.arguments.1)
        case Int(ISE_NR_EXECVEAT): noteExec(pid_t(call.pid), arguments: call.arguments.2)
        case Int(ISE_NR_EXIT_GROUP): noteExit(pid_t(call.pid), code: Int(call.arguments.0 & 0xff))
        default: return false
        }
        return true
    }

    /// The records of a command that has ended, in the order of their starts, and how many more there were. Nil marks: it did not
    /// come to run.
    func take(_ mark: UInt64, argv: [[UInt8]]) -> (records: [ProcessRecord], omitted: Int) {
        let (ended, alive) = state.withLock { state in
            let ended = state.ended.removeValue(forKey: mark) ?? Ended()
            let alive = state.alive.filter { $0.value.mark == mark }
            for pid in alive.keys { state.alive[pid] = nil }
            return (ended, alive)
        }
        var all = ended.records
        for (pid, var living) in alive {
            finish(&living, pid)
            all.append((living.start, living.record))
            close(living.pidfd)
        }
        if all.contains(where: \.record.isRunning) { state.withLock { _ = $0.over.insert(mark) } }
        all.sort { ($0.start, $0.record.pid) < ($1.start, $1.record.pid) }
        let begin = all.first?.start ?? 0
        let records = all.map { start, record in
            var record = record
            record.start = .nanoseconds(max(0, start - begin))
            // The memory of one that executes its first program is the init's, which nobody may read.
            if record.argv.isEmpty, record.parent == 1 {
                record.argv = argv.map { String(decoding: $0, as: UTF8.self) }
            }
            return record
        }
        return (records, max(0, ended.count - ended.records.count))
    }

    // MARK: Notes

    private func noteExec(_ thread: pid_t, arguments: UInt64) {
        let mark = ise_process_mark(thread)
        guard mark != 0, !state.withLock({ $0.over.contains(mark) }), let status = ProcessStatus(thread) else { return }
        let argv = Self.arguments(of: thread, at: arguments)
        let parent = insidePID(status.parent)
        state.withLock { state in
            if state.alive[status.pid] != nil {
                if !argv.isEmpty { state.alive[status.pid]?.record.argv = argv }
                return
            }
            guard state.alive.count < Self.limit else { return }
            let record = ProcessRecord(pid: status.inside, parent: parent, argv: argv, start: .zero)
            state.alive[status.pid] = Living(
                mark: mark, record: record, start: Self.now(CLOCK_MONOTONIC), pidfd: ise_pidfd_open(status.pid))
        }
    }

    private func noteExit(_ thread: pid_t, code: Int) {
        let mark = ise_process_mark(thread)
        guard mark != 0, !state.withLock({ $0.over.contains(mark) }), let status = ProcessStatus(thread) else { return }
        let known = state.withLock { $0.alive.removeValue(forKey: status.pid) }
        if let known { close(known.pidfd) }
        let isFull = state.withLock { state in
            state.ended[mark, default: Ended()].count += 1
            return state.ended[mark, default: Ended()].count > Self.limit
        }
        if isFull { return }
        let start = known?.start ?? Self.start(of: status.pid)
        var record =
            known?.record
            ?? ProcessRecord(pid: status.inside, parent: insidePID(status.parent), argv: [], start: .zero)
        record.exitCode = code
        record.wall = .nanoseconds(max(0, Self.now(CLOCK_MONOTONIC) - start))
        Self.addUse(to: &record, status)
        let last = record
        state.withLock { $0.ended[mark, default: Ended()].records.append((start, last)) }
    }

    private static func addUse(to record: inout ProcessRecord, _ status: ProcessStatus) {
        var (user, system): (Int64, Int64) = (0, 0)
        if ise_process_cpu(status.pid, &user, &system) == 0 {
            (record.userCPU, record.systemCPU) = (.nanoseconds(user), .nanoseconds(system))
        }
        record.maxRSSBytes = status.peak
        let argv = split(readFile("/proc/\(status.pid)/cmdline", atMost: argumentBytes))
        if !argv.isEmpty { record.argv = argv }
    }

    /// Of one that has not exited by itself.
    private func finish(_ living: inout Living, _ pid: pid_t) {
        if let now = ProcessStatus(pid), now.inside == living.record.pid, !now.isZombie {
            living.record.isRunning = true
            living.record.wall = .nanoseconds(max(0, Self.now(CLOCK_MONOTONIC) - living.start))
            Self.addUse(to: &living.record, now)
            return
        }
        // Told by its pidfd once its parent, too, has heard of its end; until then by the last field of its entry in /proc.
        let waits = Self.stat(of: pid).last.flatMap { Int32($0) }
        let told = ise_pidfd_status(living.pidfd)
        guard let status = told >= 0 ? told : waits else { return }
        if status & 0x7f == 0 {
            living.record.exitCode = Int(status >> 8 & 0xff)
        } else {
            living.record.signal = Int(status & 0x7f)
        }
    }

    /// A parent is of the same workspace, or its init, or the launcher's side of it.
    private func insidePID(_ pid: pid_t) -> Int {
        if let known = state.withLock({ $0.initPID == pid ? 1 : $0.alive[pid]?.record.pid }) { return known }
        let inside = ProcessStatus(pid)?.inside ?? 1
        if inside == 1 { state.withLock { $0.initPID = pid } }
        return inside
    }

    // MARK: Reading

    private static func arguments(of thread: pid_t, at list: UInt64) -> [String] {
        split(
            [UInt8](unsafeUninitializedCapacity: argumentBytes) { buffer, count in
                count = buffer.withMemoryRebound(to: CChar.self) {
                    ise_read_arguments(thread, list, $0.baseAddress, $0.count)
                }
            })
    }

    private static func split(_ bytes: [UInt8]) -> [String] {
        var words = bytes.split(separator: 0, omittingEmptySubsequences: false)
        if words.last?.isEmpty == true { words.removeLast() }
        return words.map { String(decoding: $0, as: UTF8.self) }
    }

    /// From the third field on: the second may hold anything.
    private static func stat(of pid: pid_t) -> [Substring] {
        let text = String(decoding: readFile("/proc/\(pid)/stat", atMost: 1024), as: UTF8.self)
        return text.split(separator: ")").last?.split(whereSeparator: { $0 == " " || $0 == "\n" }) ?? []
    }

    private static func now(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// On the monotonic clock; `/proc` tells it in hundredths of a second since the machine's start.
    private static func start(of pid: pid_t) -> Int64 {
        let fields = stat(of: pid)
        guard fields.count > 19, let ticks = Int64(fields[19]) else { return now(CLOCK_MONOTONIC) }
        return ticks * 10_000_000 - (now(CLOCK_BOOTTIME) - now(CLOCK_MONOTONIC))
    }
}

/// What `/proc/PID/status` says; a thread's pid will do.
private struct ProcessStatus {
    let pid: pid_t
    let parent: pid_t
    let inside: Int
    let peak: Int?
    let isZombie: Bool

    init?(_ thread: pid_t) {
        var status = ise_process_status()
        guard ise_process_status(thread, &status) == 0 else { return nil }
        (pid, parent, inside, isZombie) = (status.pid, status.parent, Int(status.inside), status.zombie)
        peak = status.peak > 0 ? status.peak : nil
    }
}

private func readFile(_ path: String, atMost limit: Int) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    return [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
        count = max(0, read(descriptor, buffer.baseAddress, limit))
    }
}
