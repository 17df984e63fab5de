import LuaShim

/// What a worker says.
enum WorkerFrame: Equatable {
    case done(LuaValue)
    case failed(kind: UInt32, value: LuaValue, file: String, line: Int, traceback: String)
    /// A host call that the worker is blocked on.
    case ask(function: Int, arguments: [LuaValue])
    /// A host call that a suspended Lua call waits for.
    case waiting(function: Int, arguments: [LuaValue])
    case found(Bool)
}

/// Bytes that no worker writes.
struct WorkerFrameError: Error, Equatable {
    var reason: String
}

/// Cuts what comes from a worker into frames. Trusts nothing: whatever comes is a frame or an error.
struct WorkerFrameParser {
    /// The largest frame that is waited for, in bytes.
    let limit: Int
    private var bytes: [UInt8] = []
    private var position = 0

    init(limit: Int) { self.limit = limit }

    mutating func append(_ more: [UInt8]) {
        if position == bytes.count {
            bytes = more
        } else {
            bytes.removeFirst(position)
            bytes += more
        }
        position = 0
    }

    /// Nil when it is not all there yet.
    mutating func next() throws(WorkerFrameError) -> WorkerFrame? {
        guard bytes.count - position >= 4 else { return nil }
        let length = bytes.withUnsafeBytes {
            Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
        }
        guard length >= 1, length <= limit else {
            throw WorkerFrameError(reason: "a frame of \(length) bytes, where \(limit) are the most")
        }
        guard bytes.count - position - 4 >= length else { return nil }
        let range = position + 4..<position + 4 + length
        position += 4 + length
        let frame = bytes.withUnsafeBytes { all in
            Result { () throws(TapeError) in
                try WorkerFrameReader.frame(UnsafeRawBufferPointer(rebasing: all[range]))
            }
        }
        guard case .success(let frame) = frame else {
            throw WorkerFrameError(reason: "a frame that holds no answer")
        }
        return frame
    }

    /// Whether bytes have come that belong to no frame yet.
    var isEmpty: Bool { position == bytes.count }
}

private struct WorkerFrameReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 1

    private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    static func frame(_ bytes: UnsafeRawBufferPointer) throws(TapeError) -> WorkerFrame {
        var reader = WorkerFrameReader(bytes)
        switch Int(bytes[0]) {
        case LUA_FRAME_DONE:
            try reader.skip(16)
            return .done(try TapeReader.value(reader.rest))
        case LUA_FRAME_FAILED:
            try reader.skip(16)
            let kind = try reader.word(), line = Int(try reader.word())
            let file = try reader.text(), traceback = try reader.text()
            return .failed(
                kind: kind, value: try TapeReader.value(reader.rest), file: file, line: line, traceback: traceback)
        case LUA_FRAME_ASK:
            return .ask(function: Int(try reader.word()), arguments: try TapeReader.arguments(reader.rest))
        case LUA_FRAME_WAITING:
            return .waiting(function: Int(try reader.word()), arguments: try TapeReader.arguments(reader.rest))
        case LUA_FRAME_FOUND:
            guard bytes.count == 2, bytes[1] <= 1 else { throw TapeError() }
            return .found(bytes[1] == 1)
        default: throw TapeError()
        }
    }

    private var rest: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[position...]) }

    private mutating func skip(_ count: Int) throws(TapeError) {
        guard count <= bytes.count - position else { throw TapeError() }
        position += count
    }

    private mutating func word() throws(TapeError) -> UInt32 {
        let start = position
        try skip(4)
        return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
    }

    private mutating func text() throws(TapeError) -> String {
        let count = Int(try word())
        let start = position
        try skip(count)
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }
}
