import LuaShim

/// Writes values in the byte form of LuaShim.h.
struct TapeWriter {
    private(set) var bytes: [UInt8] = []

    static func value(_ value: LuaValue) -> [UInt8] {
        var writer = TapeWriter()
        writer.write(value)
        return writer.bytes
    }

    static func arguments(_ values: [LuaValue]) -> [UInt8] {
        var writer = TapeWriter()
        writer.bytes.reserveCapacity(64)
        writer.write(array: values)
        return writer.bytes
    }

    private mutating func write(_ value: LuaValue) {
        switch value {
        case .null: tag(LUA_TAPE_NULL)
        case .bool(let value): tag(value ? LUA_TAPE_TRUE : LUA_TAPE_FALSE)
        case .int(let value):
            tag(LUA_TAPE_INTEGER)
            append(UInt64(bitPattern: Int64(value)))
        case .double(let value):
            tag(LUA_TAPE_NUMBER)
            append(value.bitPattern)
        case .bytes(let value):
            tag(LUA_TAPE_BYTES)
            write(raw: value)
        case .array(let elements): write(array: elements)
        case .object(let members):
            tag(LUA_TAPE_OBJECT)
            append(UInt32(clamping: members.count))
            for member in members {
                write(raw: member.key)
                write(member.value)
            }
        }
    }

    private mutating func write(array elements: [LuaValue]) {
        tag(LUA_TAPE_ARRAY)
        append(UInt32(clamping: elements.count))
        for element in elements { write(element) }
    }

    private mutating func write(raw: [UInt8]) {
        append(UInt32(clamping: raw.count))
        bytes.append(contentsOf: raw)
    }

    private mutating func tag(_ tag: some RawRepresentable<UInt32>) {
        bytes.append(UInt8(truncatingIfNeeded: tag.rawValue))
    }
    private mutating func tag(_ tag: Int) { bytes.append(UInt8(truncatingIfNeeded: tag)) }

    private mutating func append(_ word: some FixedWidthInteger) {
        withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

/// Bytes that are no tape.
struct TapeError: Error {}

/// Reads values back. Trusts nothing: the other side may one day be another process.
struct TapeReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var depth = 0

    private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    static func value(_ bytes: UnsafeRawBufferPointer) throws(TapeError) -> LuaValue {
        var reader = TapeReader(bytes)
        let value = try reader.read()
        guard reader.position == bytes.count else { throw TapeError() }
        return value
    }

    static func arguments(_ bytes: UnsafeRawBufferPointer) throws(TapeError) -> [LuaValue] {
        guard case .array(let elements) = try value(bytes) else { throw TapeError() }
        return elements
    }

    private mutating func read() throws(TapeError) -> LuaValue {
        let tag = Int(try integer(UInt8.self))
        switch tag {
        case LUA_TAPE_NULL: return .null
        case LUA_TAPE_FALSE: return .bool(false)
        case LUA_TAPE_TRUE: return .bool(true)
        case LUA_TAPE_INTEGER: return .int(Int(truncatingIfNeeded: try integer(Int64.self)))
        case LUA_TAPE_NUMBER: return .double(Double(bitPattern: try integer(UInt64.self)))
        case LUA_TAPE_BYTES: return .bytes(try raw())
        case LUA_TAPE_ARRAY, LUA_TAPE_OBJECT:
            guard depth < LUA_TAPE_DEPTH else { throw TapeError() }
            depth += 1
            defer { depth -= 1 }
            return tag == LUA_TAPE_ARRAY ? .array(try elements()) : .object(try members())
        default: throw TapeError()
        }
    }

    private mutating func elements() throws(TapeError) -> [LuaValue] {
        let count = Int(try integer(UInt32.self))
        var elements: [LuaValue] = []
        elements.reserveCapacity(min(count, bytes.count - position))
        for _ in 0..<count { elements.append(try read()) }
        return elements
    }

    private mutating func members() throws(TapeError) -> [LuaValue.Member] {
        let count = Int(try integer(UInt32.self))
        var members: [LuaValue.Member] = []
        members.reserveCapacity(min(count, (bytes.count - position) / 5))
        for _ in 0..<count {
            let key = try raw()
            members.append(LuaValue.Member(key: key, value: try read()))
        }
        return members
    }

    private mutating func raw() throws(TapeError) -> [UInt8] {
        let count = Int(try integer(UInt32.self))
        guard count <= bytes.count - position else { throw TapeError() }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    private mutating func integer<T: FixedWidthInteger>(_: T.Type) throws(TapeError) -> T {
        guard MemoryLayout<T>.size <= bytes.count - position else { throw TapeError() }
        defer { position += MemoryLayout<T>.size }
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: T.self))
    }
}
