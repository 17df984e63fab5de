import Basics

/// Is told of each line before it runs: the chunk's name, the 1-based line.
public typealias LineObserver = @Sendable (String, Int) -> Void

/// One sandboxed Lua state: a restricted library, a memory cap, a CPU limit for each call, and the host functions that
/// it was given. Calls are answered one after the other; a call that waits for the host does not hold a thread.
///
/// A host function must not call into the state that called it: that call would wait for itself.
public actor LuaState {
    public nonisolated let name: String
    private let interpreter: Interpreter
    private let callers = CallerQueue()

    /// With `onLine`, for test coverage, Lua takes several times as long. Throws `.unavailable` when the memory limit is
    /// too small for a state.
    public init(
        name: String, limits: LuaLimits = LuaLimits(), seed: UInt64 = 0, host: [LuaHostFunction] = [],
        onLine: LineObserver? = nil
    ) throws(LuaError) {
        self.name = name
        interpreter = try Interpreter(limits: limits, seed: seed, host: host, onLine: onLine)
    }

    /// What the parser finds wrong with a source text. Runs nothing.
    public static func syntaxError(in source: [UInt8], chunk: String) -> LuaError? {
        do throws(LuaError) {
            return try Interpreter(limits: LuaLimits(), seed: 0, host: []).check(source, chunk: chunk)
        } catch {
            return error
        }
    }

    /// The bytecode of a source text, for tools that look at it; nil when it is no Lua. Nothing loads it.
    public static func compiled(_ source: [UInt8], chunk: String) -> [UInt8]? {
        guard let interpreter = try? Interpreter(limits: LuaLimits(request: 64 << 20), seed: 0, host: []) else {
            return nil
        }
        return interpreter.compiled(source, chunk: chunk)
    }

    public func check(_ source: [UInt8], chunk: String) async throws(LuaError) {
        await callers.enter()
        defer { callers.leave() }
        if let error = interpreter.check(source, chunk: chunk) { throw error }
    }

    /// Runs a source text, which must return a table. `chunk` is the file name that errors show.
    public func load(_ source: [UInt8], chunk: String) async throws(LuaError) {
        await callers.enter()
        defer { callers.leave() }
        _ = try await finish(interpreter.load(source, chunk: chunk), deadline: nil)
    }

    /// Calls a function of the loaded table. With `context`, that object is the last argument and has the host
    /// functions named "ctx.…" as members. The first result is returned, `.null` when there is none.
    ///
    /// `deadline` bounds the waiting for the host: when it passes, the waiting host function is cancelled and the call
    /// throws `.limit(.wall)`. The time that Lua itself runs is bounded by the CPU limit.
    public func call(
        _ function: String, _ arguments: [LuaValue] = [], context: LuaValue? = nil,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(LuaError) -> LuaValue {
        await callers.enter()
        defer { callers.leave() }
        let all = context.map { arguments + [$0] } ?? arguments
        return try await finish(interpreter.call(function, all, context: context != nil), deadline: deadline)
    }

    /// Whether the loaded table has a function of this name.
    public func has(_ function: String) -> Bool { interpreter.hasFunction(function) }

    /// A member of the loaded table that is data; `.null` when it is not there.
    public func value(_ member: String) async throws(LuaError) -> LuaValue {
        await callers.enter()
        defer { callers.leave() }
        switch interpreter.value(member) {
        case .value(let value): return value
        case .failed(let error): throw error
        case .waiting: throw LuaError(.unavailable, "a member cannot wait for the host")
        }
    }

    /// Bytes on the Lua heap now.
    public var memoryUsed: Int { interpreter.memoryUsed }

    /// CPU time of the last load or call.
    public var cpuUsed: Duration { interpreter.cpuUsed }

    private func finish(
        _ first: Interpreter.Outcome, deadline: ContinuousClock.Instant?
    ) async throws(LuaError) -> LuaValue {
        var outcome = first
        while case .waiting(let answer, let arguments) = outcome {
            switch await HostWait.run(answer, arguments, deadline: deadline) {
            case .answered(let result): outcome = interpreter.resume(with: result)
            case .stopped(let error):
                interpreter.cancel()
                throw error
            }
        }
        switch outcome {
        case .failed(let error): throw error
        case .value(let value): return value
        case .waiting: throw LuaError(.unavailable, "the call still waits")  // the loop ends only when it does not
        }
    }
}
