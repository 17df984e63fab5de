import LuaShim

/// A frame for a worker.
struct WorkerRequest {
    private(set) var bytes: [UInt8] = [0, 0, 0, 0]

    private init(_ kind: Int) { bytes.append(UInt8(truncatingIfNeeded: kind)) }

    static func open(_ limits: LuaLimits, seed: UInt64, host: [LuaHostFunction]) -> [UInt8] {
        var request = WorkerRequest(LUA_FRAME_OPEN)
        request.append(UInt64(clamping: limits.memory))
        request.append(UInt64(clamping: limits.cpuNanoseconds))
        request.append(UInt64(clamping: limits.request))
        request.append(UInt64(clamping: limits.reply))
        request.append(seed)
        request.append(UInt32(clamping: host.count))
        for function in host {
            switch function.body {
            case .immediate: request.bytes.append(UInt8(LUA_FUNCTION_ASK))
            case .waiting: request.bytes.append(UInt8(LUA_FUNCTION_WAITING))
            case .denied: request.bytes.append(UInt8(LUA_FUNCTION_DENIED))
            case .value: request.bytes.append(UInt8(LUA_FUNCTION_VALUE))
            }
            request.append(text: function.name)
        }
        return request.finished
    }

    static func load(_ source: [UInt8], chunk: String) -> [UInt8] { text(LUA_FRAME_LOAD, source, chunk) }

    static func check(_ source: [UInt8], chunk: String) -> [UInt8] { text(LUA_FRAME_CHECK, source, chunk) }

    private static func text(_ kind: Int, _ source: [UInt8], _ chunk: String) -> [UInt8] {
        var request = WorkerRequest(kind)
        request.append(text: chunk)
        request.bytes += source
        return request.finished
    }

    static func call(_ function: String, _ arguments: [LuaValue], context: Bool) -> [UInt8] {
        var request = WorkerRequest(LUA_FRAME_CALL)
        request.bytes.append(context ? 1 : 0)
        request.append(text: function)
        request.bytes += TapeWriter.arguments(arguments)
        return request.finished
    }

    static func answer(_ answer: Result<LuaValue, LuaHostError>, limit: Int) -> [UInt8] {
        var request = WorkerRequest(LUA_FRAME_ANSWER)
        var tape = TapeWriter.value(answer.value)
        var reply = answer.shimReply
        if tape.count > limit {
            tape = TapeWriter.value(LuaHostError.tooLarge(tape.count).value)
            reply = LUA_SHIM_REPLY_ERROR
        }
        request.bytes.append(UInt8(truncatingIfNeeded: reply.rawValue))
        request.bytes += tape
        return request.finished
    }

    static var cancel: [UInt8] { WorkerRequest(LUA_FRAME_CANCEL).finished }

    static func value(_ member: String) -> [UInt8] { naming(LUA_FRAME_VALUE, member) }
    static func has(_ member: String) -> [UInt8] { naming(LUA_FRAME_HAS, member) }

    private static func naming(_ kind: Int, _ member: String) -> [UInt8] {
        var request = WorkerRequest(kind)
        request.append(text: member)
        return request.finished
    }

    private var finished: [UInt8] {
        var result = bytes
        result.withUnsafeMutableBytes {
            $0.storeBytes(of: UInt32(clamping: bytes.count - 4).littleEndian, as: UInt32.self)
        }
        return result
    }

    private mutating func append(text: String) {
        let text = Array(text.utf8)
        append(UInt32(clamping: text.count))
        bytes += text
    }

    private mutating func append(_ word: some FixedWidthInteger) {
        withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
