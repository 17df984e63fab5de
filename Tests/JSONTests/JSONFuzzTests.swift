import JSON
import TestSupport
import Testing

@Suite struct JSONFuzzTests {
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `random values survive all forms`(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for _ in 0..<250 {
            let value = randomValue(depth: 4, using: &random)
            #expect(try JSONValue(parsing: value.compact) == value)
            #expect(try JSONValue(parsing: value.pretty) == value)
            #expect(try JSONValue(parsing: value.canonicalBytes) == value)
        }
    }

    @Test(arguments: 11...14 as ClosedRange<UInt64>)
    func `random damage is parsed or refused, and what is parsed can be written`(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for _ in 0..<500 {
            var bytes = randomValue(depth: 3, using: &random).compactBytes
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                damage(&bytes, using: &random)
            }
            do throws(JSONError) {
                let value = try JSONValue(parsing: bytes)
                let again = try JSONValue(parsing: value.compactBytes)
                #expect(again == value)
            } catch {
                #expect((0...bytes.count).contains(error.offset))
            }
        }
    }

    private func damage(_ bytes: inout [UInt8], using random: inout SplitMix) {
        let structure = Array("{}[]\",:\\u0e-.".utf8)
        let position = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes.insert(structure.randomElement(using: &random) ?? 0, at: position)
        case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: position)
        case 2: bytes.removeSubrange(position..<min(position + 3, bytes.count))
        default: bytes = Array(bytes[..<position])
        }
    }

    private func randomValue(depth: Int, using random: inout SplitMix) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .int(Int(truncatingIfNeeded: random.next()) >> Int.random(in: 0..<64, using: &random))
        case 3:
            let value = Double(bitPattern: random.next())
            return value.isFinite ? .double(value) : .double(0.1)
        case 4: return .string(randomString(using: &random))
        case 5, 6:
            return .array(
                (0..<Int.random(in: 0..<5, using: &random)).map { _ in randomValue(depth: depth - 1, using: &random) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0..<5, using: &random) {
                object[randomString(using: &random)] = randomValue(depth: depth - 1, using: &random)
            }
            return .object(object)
        }
    }

    private func randomString(using random: inout SplitMix) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0..<12, using: &random) {
            let limit: UInt32 = [0x80, 0x80, 0x800, 0x11_0000].randomElement(using: &random) ?? 0x80
            text.unicodeScalars.append(Unicode.Scalar(UInt32.random(in: 0..<limit, using: &random)) ?? "\\")
        }
        return text
    }
}
