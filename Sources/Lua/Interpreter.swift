import LuaShim

/// Owns the C state. Used by one `LuaState` only, one call at a time.
final class Interpreter {
    enum Outcome {
        case value(LuaValue)
        case waiting(LuaHostFunction.AsyncAnswer, [LuaValue])
        case failed(LuaError)
    }

    private let shim: OpaquePointer
    private let hostTable: HostTable

    init(
        limits: LuaLimits, seed: UInt64, host: [LuaHostFunction], onLine: LineObserver? = nil
    ) throws(LuaError) {
        let table = HostTable(host, onLine)
        var options = LuaShimOptions(
            memory_bytes: max(0, limits.memory),
            cpu_nanoseconds: limits.cpuNanoseconds,
            request_bytes: max(0, limits.request),
            reply_bytes: max(0, limits.reply),
            seed: seed)
        // The table outlives the state, which is closed in deinit, so it is passed without a reference of its own.
        guard let shim = lua_shim_open(&options, answerHostCall, Unmanaged.passUnretained(table).toOpaque()) else {
            throw LuaError(
                .unavailable, "a Lua state does not fit into \(limits.memory) bytes; raise the memory limit")
        }
        self.shim = shim
        hostTable = table
        table.shim = shim
        if onLine != nil { lua_shim_watch_lines(shim, noteLine) }
        for (index, function) in host.enumerated() {
            guard lua_shim_register(shim, function.name, UInt32(index), function.shimKind) else {
                throw LuaError(.unavailable, "there is no memory for the names of the host functions")
            }
        }
    }

    deinit { lua_shim_close(shim) }

    var memoryUsed: Int { lua_shim_memory_used(shim) }
    var cpuUsed: Duration { .nanoseconds(lua_shim_cpu_used(shim)) }

    func load(_ source: [UInt8], chunk: String) -> Outcome {
        source.withUnsafeBufferPointer { outcome(lua_shim_load(shim, $0.baseAddress, $0.count, chunk)) }
    }

    func check(_ source: [UInt8], chunk: String) -> LuaError? {
        let status = source.withUnsafeBufferPointer { lua_shim_check(shim, $0.baseAddress, $0.count, chunk) }
        if case .failed(let error) = outcome(status) { return error }
        return nil
    }

    func compiled(_ source: [UInt8], chunk: String) -> [UInt8]? {
        let done = source.withUnsafeBufferPointer { lua_shim_dump(shim, $0.baseAddress, $0.count, chunk) }
        return done ? Array(output) : nil
    }

    func call(_ function: String, _ arguments: [LuaValue], context: Bool) -> Outcome {
        TapeWriter.arguments(arguments).withUnsafeBufferPointer {
            outcome(lua_shim_call(shim, function, $0.baseAddress, $0.count, context))
        }
    }

    func resume(with answer: Result<LuaValue, LuaHostError>) -> Outcome {
        outcome(lua_shim_resume(shim, hostTable.reply(answer)))
    }

    func cancel() { lua_shim_cancel(shim) }

    func value(_ member: String) -> Outcome { outcome(lua_shim_value(shim, member)) }

    func hasFunction(_ member: String) -> Bool { lua_shim_has_function(shim, member) }

    /// Through both decoders and encoders, for tests.
    func echo(tape: [UInt8]) -> Outcome {
        tape.withUnsafeBufferPointer { outcome(lua_shim_echo(shim, $0.baseAddress, $0.count)) }
    }

    private var output: UnsafeRawBufferPointer {
        var count = 0
        let start = lua_shim_output(shim, &count)
        return UnsafeRawBufferPointer(start: start, count: count)
    }

    private func outcome(_ status: LuaShimStatus) -> Outcome {
        do throws(TapeError) {
            switch status {
            case LUA_SHIM_DONE: return .value(output.isEmpty ? .null : try TapeReader.value(output))
            case LUA_SHIM_WAITING:
                let function = hostTable.functions[Int(lua_shim_waiting(shim))]
                guard case .waiting(let answer) = function.body else { throw TapeError() }
                return .waiting(answer, try TapeReader.arguments(output))
            default: return .failed(failure(try TapeReader.value(output)))
            }
        } catch {
            return .failed(LuaError(.unavailable, "the Lua state gave bytes that are no value"))
        }
    }

    private func failure(_ value: LuaValue) -> LuaError {
        let failure = lua_shim_failure(shim)
        return LuaError(
            failure.kind.rawValue, value, file: String(cString: failure.file), line: Int(failure.line),
            traceback: String(cString: failure.traceback), stopReason: hostTable.stopReason)
    }
}

extension LuaError {
    /// What the shim says of a failure, wherever it runs. Anything may stand in the arguments.
    init(
        _ shimKind: UInt32, _ value: LuaValue, file: String, line: Int, traceback: String, stopReason: String
    ) {
        self.init(
            .runtime, "", file: file.isEmpty ? nil : file, line: line > 0 ? line : nil,
            traceback: traceback.isEmpty ? nil : traceback)
        switch LuaShimErrorKind(shimKind) {
        case LUA_SHIM_ERROR_SYNTAX: kind = .syntax
        case LUA_SHIM_ERROR_CPU: kind = .limit(.cpu)
        case LUA_SHIM_ERROR_MEMORY: kind = .limit(.memory)
        case LUA_SHIM_ERROR_SIZE: kind = .limit(.size)
        case LUA_SHIM_ERROR_VALUE: kind = .value
        case LUA_SHIM_ERROR_MISSING: kind = .missing
        case LUA_SHIM_ERROR_TIMER: kind = .unavailable
        case LUA_SHIM_ERROR_HOST:
            kind = .limit(.host)
            message = stopReason
            return
        default: break
        }
        if kind == .runtime, let code = value["code"]?.string, let text = value["message"]?.string {
            kind = .raised(code: code, details: value["details"])
            message = text
        } else if let text = value.string {
            message = text
            takePositionFromMessage()
        } else {
            message = "error object: \(value.json.compact)"
        }
    }
}

/// The host functions by number, and the way their answers go back.
final class HostTable {
    let functions: [LuaHostFunction]
    var shim: OpaquePointer?
    /// Of the last answer that ended a call.
    private(set) var stopReason = ""

    let onLine: LineObserver?

    init(_ functions: [LuaHostFunction], _ onLine: LineObserver? = nil) {
        self.functions = functions
        self.onLine = onLine
    }

    func answer(_ function: Int, _ arguments: UnsafeRawBufferPointer) -> LuaShimReply {
        guard functions.indices.contains(function) else {
            return reply(.failure(LuaHostError("E_HOST", "no such function")))
        }
        switch functions[function].body {
        case .waiting: return LUA_SHIM_REPLY_LATER
        case .denied(let error): return reply(.failure(error()))
        case .value(let value): return reply(.success(value))
        case .immediate(let answer):
            guard let arguments = try? TapeReader.arguments(arguments) else {
                return reply(.failure(LuaHostError("E_HOST", "the arguments are no values")))
            }
            return reply(Result { () throws(LuaHostError) in try answer(arguments) })
        }
    }

    func reply(_ answer: Result<LuaValue, LuaHostError>) -> LuaShimReply {
        guard let shim else { return LUA_SHIM_REPLY_ERROR }
        if case .failure(let error) = answer, error.endsCall { stopReason = error.message }
        let tape = TapeWriter.value(answer.value)
        if lua_shim_reply(shim, tape, tape.count) { return answer.shimReply }
        let substitute = TapeWriter.value(LuaHostError.tooLarge(tape.count).value)
        _ = lua_shim_reply(shim, substitute, substitute.count)
        return LUA_SHIM_REPLY_ERROR
    }
}

extension Result<LuaValue, LuaHostError> {
    var value: LuaValue {
        switch self {
        case .success(let value): value
        case .failure(let error): error.value
        }
    }

    var shimReply: LuaShimReply {
        switch self {
        case .success: LUA_SHIM_REPLY_VALUE
        case .failure(let error): error.endsCall ? LUA_SHIM_REPLY_STOP : LUA_SHIM_REPLY_ERROR
        }
    }
}

extension LuaHostError {
    static func tooLarge(_ count: Int) -> LuaHostError {
        LuaHostError("E_TOO_BIG", "the answer of \(count) bytes is larger than Lua may be handed")
    }
}

extension LuaHostFunction {
    fileprivate var shimKind: LuaShimName {
        switch body {
        case .denied: LUA_SHIM_NAME_DENIED
        case .value: LUA_SHIM_NAME_VALUE
        case .immediate, .waiting: LUA_SHIM_NAME_FUNCTION
        }
    }
}

extension LuaLimits {
    /// As the shim wants it, never nothing.
    var cpuNanoseconds: Int64 {
        let cpu = min(cpu, .seconds(1 << 32)).components  // its nanoseconds fit
        return max(1, cpu.seconds * 1_000_000_000 + cpu.attoseconds / 1_000_000_000)
    }
}

/// Called by C in the middle of Lua code. Returns before anything can raise.
private func answerHostCall(
    context: UnsafeMutableRawPointer?, function: UInt32, arguments: UnsafePointer<UInt8>?, count: Int
) -> LuaShimReply {
    guard let context else { return LUA_SHIM_REPLY_ERROR }
    let table = Unmanaged<HostTable>.fromOpaque(context).takeUnretainedValue()
    return table.answer(Int(function), UnsafeRawBufferPointer(start: arguments, count: count))
}

/// Called by C before each line when somebody wants to know.
private func noteLine(context: UnsafeMutableRawPointer?, chunk: UnsafePointer<CChar>?, line: Int32) {
    guard let context, let chunk else { return }
    Unmanaged<HostTable>.fromOpaque(context).takeUnretainedValue().onLine?(String(cString: chunk), Int(line))
}
