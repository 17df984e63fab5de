import Lua

/// The compiled form of a Lua file (Lua 5.4), as far as tools want to know it: the instructions of each function, where
/// they stand in the source, and the names that they use.
struct LuaChunk: Sendable {
    struct Function: Sendable {
        var instructions: [Instruction] = []
        /// Texts among the constants by their place.
        var texts: [Int: String] = [:]
        var constants = 0
        var upvalues: [String] = []
        var functions: [Function] = []
        var isMain = false

        /// Of this function and all in it.
        var all: [Function] { [self] + functions.flatMap(\.all) }
    }

    struct Instruction: Sendable {
        var code: UInt32
        /// 1-based.
        var line: Int

        var operation: Int { Int(code & 0x7F) }
        var a: Int { Int(code >> 7 & 0xFF) }
        var b: Int { Int(code >> 16 & 0xFF) }
        var c: Int { Int(code >> 24 & 0xFF) }
        var bx: Int { Int(code >> 15) }
    }

    /// The operations that are looked at, by their numbers in Lua 5.4.
    enum Operation {
        static let move = 0, getUpvalue = 9, getGlobal = 11, getField = 14, setGlobal = 15, method = 20
        static let call = 68, tailCall = 69, closure = 79, returns = 70, varargPrepare = 81
        /// With constants: & | ~, then with registers: & | ~ << >>.
        static let bits = Set([29, 30, 31, 41, 42, 43, 44, 45])
    }

    let main: Function

    /// nil when the text is no Lua, or the interpreter is of another version.
    init?(_ source: [UInt8], chunk: String) {
        guard let bytes = LuaState.compiled(source, chunk: chunk) else { return nil }
        var reader = Reader(bytes: bytes)
        guard let main = reader.chunk() else { return nil }
        self.main = main
    }

    /// Lines that have code: what can be covered.
    var lines: Set<Int> {
        var lines: Set<Int> = []
        for function in main.all {
            for (index, instruction) in function.instructions.enumerated() {
                // The return that ends every function belongs to its `end`, which is no statement.
                if index == function.instructions.count - 1 || instruction.operation == Operation.varargPrepare {
                    continue
                }
                lines.insert(instruction.line)
            }
        }
        return lines
    }

    // MARK: Reading

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        mutating func byte() -> UInt8? {
            guard position < bytes.count else { return nil }
            defer { position += 1 }
            return bytes[position]
        }

        mutating func skip(_ count: Int) -> Bool {
            guard count >= 0, count <= bytes.count - position else { return false }
            position += count
            return true
        }

        /// Groups of seven bits, the last one marked.
        mutating func size() -> Int? {
            var value = 0
            while let next = byte() {
                guard value < 1 << 40 else { return nil }
                value = value << 7 | Int(next & 0x7F)
                if next & 0x80 != 0 { return value }
            }
            return nil
        }

        mutating func string() -> String?? {
            guard let size = size() else { return nil }
            guard size > 0 else { return .some(nil) }
            let start = position
            guard skip(size - 1) else { return nil }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }

        /// Signature, version, format, check bytes, three sizes, two numbers, the number of upvalues.
        mutating func chunk() -> Function? {
            guard bytes.count > 33, bytes.starts(with: [0x1B, 0x4C, 0x75, 0x61, 0x54, 0]), bytes[12...14] == [4, 8, 8],
                skip(4 + 1 + 1 + 6 + 3 + 8 + 8 + 1)
            else { return nil }
            var function = function()
            function?.isMain = true
            return function
        }

        private mutating func function() -> Function? {
            guard string() != nil, let first = size(), size() != nil, skip(3), let count = size() else { return nil }
            var function = Function()
            for _ in 0..<count {
                guard position + 4 <= bytes.count else { return nil }
                let code = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[position + $1]) << (8 * UInt32($1)) }
                position += 4
                function.instructions.append(Instruction(code: code, line: 0))
            }
            guard constants(&function), upvalues(&function), nested(&function) else { return nil }
            return debug(&function, first) ? function : nil
        }

        private mutating func constants(_ function: inout Function) -> Bool {
            guard let count = size() else { return false }
            function.constants = count
            for index in 0..<count {
                guard let tag = byte() else { return false }
                switch tag {
                case 0x13, 0x03: guard skip(8) else { return false }
                case 0x04, 0x14:
                    guard let text = string() else { return false }
                    function.texts[index] = text ?? ""
                default: break
                }
            }
            return true
        }

        private mutating func upvalues(_ function: inout Function) -> Bool {
            guard let count = size(), skip(count * 3) else { return false }
            function.upvalues = Array(repeating: "", count: count)
            return true
        }

        private mutating func nested(_ function: inout Function) -> Bool {
            guard let count = size() else { return false }
            for _ in 0..<count {
                guard let inner = self.function() else { return false }
                function.functions.append(inner)
            }
            return true
        }

        /// Lines are differences, but for some that are given whole.
        private mutating func debug(_ function: inout Function, _ first: Int) -> Bool {
            guard let count = size(), count == function.instructions.count else { return false }
            let differences = Array(bytes[position..<min(position + count, bytes.count)])
            guard skip(count), let whole = size() else { return false }
            var absolute: [Int: Int] = [:]
            for _ in 0..<whole {
                guard let place = size(), let line = size() else { return false }
                absolute[place] = line
            }
            var line = first
            for index in 0..<count {
                line = absolute[index] ?? line + Int(Int8(bitPattern: differences[index]))
                function.instructions[index].line = line
            }
            guard let locals = size() else { return false }
            for _ in 0..<locals {
                guard string() != nil, size() != nil, size() != nil else { return false }
            }
            guard let names = size() else { return false }
            for index in 0..<names {
                guard let name = string() else { return false }
                if index < function.upvalues.count { function.upvalues[index] = name ?? "" }
            }
            return true
        }
    }
}
