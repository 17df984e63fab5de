import Testing

@testable import Lua

@Suite struct TapeTests {
    @Test func `Random values come back as they went`() async throws {
        let interpreter = try Interpreter(limits: LuaLimits(), seed: 0, host: [])
        var random = Xorshift(seed: 42)
        for _ in 0..<2000 {
            let value = Self.value(&random, depth: 0)
            guard case .value(let back) = interpreter.echo(tape: TapeWriter.value(value)) else {
                Issue.record("refused: \(value)")
                continue
            }
            #expect(back == value)
        }
    }

    @Test func `Damaged tapes are refused or read as something else and hurt nobody`() async throws {
        let interpreter = try Interpreter(limits: LuaLimits(memory: 8 << 20), seed: 0, host: [])
        var random = Xorshift(seed: 4242)
        var refused = 0
        for _ in 0..<20_000 {
            var tape = TapeWriter.value(Self.value(&random, depth: 0))
            for _ in 0...random.below(3) { Self.damage(&tape, &random) }
            if case .failed = interpreter.echo(tape: tape) { refused += 1 }
            _ = tape.withUnsafeBytes { try? TapeReader.value($0) }
        }
        #expect(refused > 2000)
        #expect(interpreter.memoryUsed < 8 << 20)
    }

    @Test(
        arguments: [
            [], [8], [255], [3, 0, 0], [5, 255, 255, 255, 255], [6, 255, 255, 255, 255], [7, 255, 255, 255, 255],
            [6, 2, 0, 0, 0, 0], [7, 1, 0, 0, 0, 0, 0, 0, 0], [0, 0],
        ] as [[UInt8]]) func `A malformed tape is refused by both readers`(_ tape: [UInt8]) async throws
    {
        let interpreter = try Interpreter(limits: LuaLimits(), seed: 0, host: [])
        guard case .failed(let error) = interpreter.echo(tape: tape) else {
            Issue.record("accepted \(tape)")
            return
        }
        #expect(error.message == "malformed value on the tape")
        #expect(throws: TapeError.self) {
            try tape.withUnsafeBytes { bytes throws(TapeError) in try TapeReader.value(bytes) }
        }
    }

    @Test func `Nesting is limited in both readers`() async throws {
        let interpreter = try Interpreter(limits: LuaLimits(), seed: 0, host: [])
        func nested(_ depth: Int) -> [UInt8] {
            Array((0..<depth).map { _ in [6, 1, 0, 0, 0] as [UInt8] }.joined()) + [0]
        }
        guard case .value = interpreter.echo(tape: nested(64)) else {
            Issue.record("64 levels are refused")
            return
        }
        guard case .failed = interpreter.echo(tape: nested(65)) else {
            Issue.record("65 levels are accepted")
            return
        }
        #expect(throws: TapeError.self) {
            try nested(65).withUnsafeBytes { bytes throws(TapeError) in try TapeReader.value(bytes) }
        }
    }

    private static func value(_ random: inout Xorshift, depth: Int) -> LuaValue {
        switch random.below(depth < 4 ? 8 : 6) {
        case 0: return depth == 0 ? .null : .int(0)  // at the top null and nil are the same; inside it stays
        case 1: return .bool(random.below(2) == 0)
        case 2: return .int(Int(truncatingIfNeeded: random.next()))
        case 3: return .double(Double(random.below(1 << 30)) / 1024 + 0.5)
        case 4, 5: return .bytes((0..<random.below(20)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        case 6: return .array((0..<random.below(6)).map { _ in value(&random, depth: depth + 1) })
        default:
            let keys = Set((0..<random.below(6)).map { _ in "k\(random.below(50))" }).sorted()
            return .object(keys.map { LuaValue.Member($0, value(&random, depth: depth + 1)) })
        }
    }

    private static func damage(_ tape: inout [UInt8], _ random: inout Xorshift) {
        guard !tape.isEmpty else { return }
        let index = random.below(tape.count)
        switch random.below(4) {
        case 0: tape[index] = UInt8(truncatingIfNeeded: random.next())
        case 1: tape.removeSubrange(index...)
        case 2: tape.insert(UInt8(random.below(9)), at: index)
        default: tape[index] ^= 1 << UInt8(random.below(8))
        }
    }
}

/// Seeded, so that a failure can be seen again.
struct Xorshift {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    mutating func below(_ limit: Int) -> Int { Int(next() >> 1) % limit }
}
