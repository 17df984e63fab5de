import Basics

/// A Lua state in a process of its own: a fault of the interpreter there is not a fault here.
///
/// When the process is gone, the call under way fails with `.workerDied` and the next call starts another process with
/// a fresh state: the file is loaded anew, and what the plugin kept in variables is lost. A process that does not answer
/// until the deadline of its call, or whose call is cancelled, is killed.
public actor LuaWorker: LuaEngine {
    public typealias Connect = @Sendable () async throws(LuaError) -> any LuaWorkerChannel

    public nonisolated let name: String
    private let limits: LuaLimits
    private let seed: UInt64
    private let host: [LuaHostFunction]
    private let connect: Connect
    /// Of a load, a look at a member: what has no deadline of its own.
    private let patience: Duration

    private var source: (bytes: [UInt8], chunk: String)?
    private var line: WorkerLine?
    private var parser: WorkerFrameParser
    private var stopReason = ""
    /// A host function has ended the call: a worker that goes on with it nevertheless is none of ours.
    private var isStopping = false
    private let callers = CallerQueue()

    /// - Parameter connect: starts a worker process.
    public init(
        name: String, limits: LuaLimits = LuaLimits(), seed: UInt64 = 0, host: [LuaHostFunction] = [],
        patience: Duration = .seconds(60), connect: @escaping Connect
    ) {
        self.name = name
        self.limits = limits
        self.seed = seed
        self.host = host
        self.patience = patience
        self.connect = connect
        parser = Self.parser(limits)
    }

    deinit { line?.kill() }

    public func load(_ source: [UInt8], chunk: String) async throws(LuaError) {
        await callers.enter()
        defer { callers.leave() }
        hangUp()
        self.source = (source, chunk)
        _ = try await connected()
    }

    public func check(_ source: [UInt8], chunk: String) async throws(LuaError) {
        await callers.enter()
        defer { callers.leave() }
        let line = try await connected()
        _ = try await value(WorkerRequest.check(source, chunk: chunk), line, nil)
    }

    public func call(
        _ function: String, _ arguments: [LuaValue] = [], context: LuaValue? = nil,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(LuaError) -> LuaValue {
        await callers.enter()
        defer { callers.leave() }
        let all = context.map { arguments + [$0] } ?? arguments
        let line = try await connected()
        return try await value(WorkerRequest.call(function, all, context: context != nil), line, deadline)
    }

    public func has(_ function: String) async throws(LuaError) -> Bool {
        await callers.enter()
        defer { callers.leave() }
        let line = try await connected()
        guard case .found(let found) = try await exchange(WorkerRequest.has(function), line, nil) else {
            throw faulty("an answer to another question")
        }
        return found
    }

    public func value(_ member: String) async throws(LuaError) -> LuaValue {
        await callers.enter()
        defer { callers.leave() }
        let line = try await connected()
        return try await value(WorkerRequest.value(member), line, nil)
    }

    // MARK: The process

    private static func parser(_ limits: LuaLimits) -> WorkerFrameParser {
        // A failure carries a traceback and an error value beside each other.
        WorkerFrameParser(limit: min(limits.request, 1 << 30) + (1 << 20))
    }

    /// The process that has the file loaded; a new one when there is none.
    private func connected() async throws(LuaError) -> WorkerLine {
        if let line, !line.isDead { return line }
        hangUp()
        let line = WorkerLine(try await connect())
        self.line = line
        parser = Self.parser(limits)
        do throws(LuaError) {
            _ = try await value(WorkerRequest.open(limits, seed: seed, host: host), line, nil)
            if let source { _ = try await value(WorkerRequest.load(source.bytes, chunk: source.chunk), line, nil) }
        } catch {
            hangUp()
            throw error
        }
        return line
    }

    private func hangUp() {
        line?.kill()
        line = nil
    }

    private func faulty(_ reason: String) -> LuaError {
        hangUp()
        return LuaError(.workerDied, "the worker process was ended: it wrote \(reason)")
    }

    // MARK: A call

    private func value(
        _ request: [UInt8], _ line: WorkerLine, _ deadline: ContinuousClock.Instant?
    ) async throws(LuaError) -> LuaValue {
        switch try await exchange(request, line, deadline) {
        case .done(let value): return value
        case .failed(0, _, _, _, _):
            throw LuaError(
                .unavailable,
                "a Lua state with its host functions does not fit into \(limits.memory) bytes; raise the memory limit")
        case .failed(let kind, let value, let file, let number, let traceback):
            throw LuaError(kind, value, file: file, line: number, traceback: traceback, stopReason: stopReason)
        default: throw faulty("an answer to another question")
        }
    }

    /// Sends a request and answers the worker's own questions until it has an answer.
    private func exchange(
        _ request: [UInt8], _ line: WorkerLine, _ deadline: ContinuousClock.Instant?
    ) async throws(LuaError) -> WorkerFrame {
        let end = deadline ?? ContinuousClock.now + patience
        isStopping = false
        var frame = try await say(request, line, until: end)
        while true {
            switch frame {
            case .ask(let number, let arguments):
                let answer = try answer(number, arguments)
                frame = try await say(WorkerRequest.answer(answer, limit: limits.reply), line, until: end)
            case .waiting(let number, let arguments):
                let answer = try await wait(number, arguments, line, until: deadline)
                frame = try await say(WorkerRequest.answer(answer, limit: limits.reply), line, until: end)
            default: return frame
            }
        }
    }

    private func answer(
        _ number: Int, _ arguments: [LuaValue]
    ) throws(LuaError) -> Result<LuaValue, LuaHostError> {
        guard host.indices.contains(number), !isStopping else {
            throw faulty("a call of a function that is not there")
        }
        switch host[number].body {
        case .immediate(let answer): return noting(Result { () throws(LuaHostError) in try answer(arguments) })
        case .denied(let error): return .failure(error())
        case .value(let value): return .success(value)
        case .waiting: throw faulty("a call of a function as if it did not wait")
        }
    }

    private func wait(
        _ number: Int, _ arguments: [LuaValue], _ line: WorkerLine, until deadline: ContinuousClock.Instant?
    ) async throws(LuaError) -> Result<LuaValue, LuaHostError> {
        guard host.indices.contains(number), !isStopping, case .waiting(let answer) = host[number].body else {
            throw faulty("a call of a function that is not there")
        }
        switch await HostWait.run(answer, arguments, deadline: deadline) {
        case .answered(let result): return noting(result)
        case .stopped(let error):
            _ = await line.channel.send(WorkerRequest.cancel)
            throw error
        }
    }

    private func noting(_ answer: Result<LuaValue, LuaHostError>) -> Result<LuaValue, LuaHostError> {
        if case .failure(let error) = answer, error.endsCall {
            stopReason = error.message
            isStopping = true
        }
        return answer
    }

    /// Sends a frame and waits for the next one.
    private func say(
        _ bytes: [UInt8], _ line: WorkerLine, until end: ContinuousClock.Instant
    ) async throws(LuaError) -> WorkerFrame {
        line.begin(until: end)
        let frame: Result<WorkerFrame?, WorkerFrameError> = await withTaskCancellationHandler {
            // A worker that does not read is found out by its end of output.
            _ = await line.channel.send(bytes)
            return await nextFrame(line)
        } onCancel: {
            line.kill(because: .cancelled)
        }
        line.end()
        switch frame {
        case .success(let frame?): return frame
        case .failure(let error): throw faulty(error.reason)
        case .success(nil):
            let ended = line.killedBecause
            hangUp()
            switch ended {
            case .cancelled: throw LuaError(.cancelled, "the call was cancelled")
            case .late: throw LuaError(.limit(.wall), "the time is used up")
            case nil: throw LuaError(.workerDied, "the worker process ended in the middle of a call")
            }
        }
    }

    private func nextFrame(_ line: WorkerLine) async -> Result<WorkerFrame?, WorkerFrameError> {
        while true {
            do throws(WorkerFrameError) {
                if let frame = try parser.next() {
                    guard parser.isEmpty else { throw WorkerFrameError(reason: "more than it was asked for") }
                    return .success(frame)
                }
            } catch {
                return .failure(error)
            }
            guard let bytes = await line.channel.receive() else { return .success(nil) }
            parser.append(bytes)
        }
    }
}
