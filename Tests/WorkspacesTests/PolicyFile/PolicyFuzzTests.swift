import JSON
import TestSupport
import Testing

@testable import Workspaces

@Suite struct SandboxPolicyFuzzTests {
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `A random policy is read, written and read again as the same`(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for _ in 0..<200 {
            let value = randomPolicy(using: &random)
            let file = try PolicyFile(parsing: value.compactBytes)
            let again = try PolicyFile(parsing: file.json.compactBytes)
            #expect(
                again.policy == file.policy && again.exec == file.exec && again.binds == file.binds
                    && again.root == file.root)
        }
    }

    @Test(arguments: 11...14 as ClosedRange<UInt64>)
    func `A random value of the wrong kind is refused by name`(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for _ in 0..<200 {
            let key = try #require(PolicyFile.keys.randomElement(using: &random))
            let wrong: JSONValue = [["x": 1], "\u{0}", [[]], -7].randomElement(using: &random) ?? .null
            do throws(WorkspaceError) {
                _ = try PolicyFile(parsing: Self.object([(key.name, wrong)]).compactBytes)
                Issue.record("\(key.name) took \(wrong)")
            } catch { #expect(error.code == .invalidPolicy && error.message.contains(key.name)) }
        }
    }

    @Test(arguments: 21...24 as ClosedRange<UInt64>)
    func `Random damage is read or refused, and never anything else`(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for _ in 0..<500 {
            var bytes = randomPolicy(using: &random).compactBytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let position = Int.random(in: 0..<max(1, bytes.count), using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes.insert(UInt8.random(in: 0...255, using: &random), at: position)
                case 1: bytes[position] = UInt8.random(in: 32...126, using: &random)
                default: bytes.removeSubrange(position..<min(position + 2, bytes.count))
                }
            }
            do throws(WorkspaceError) {
                let file = try PolicyFile(parsing: bytes)
                #expect(throws: Never.self) { _ = try PolicyFile(parsing: file.json.compactBytes) }
            } catch { #expect(error.code == .invalidPolicy && !error.message.isEmpty) }
        }
    }

    private func randomPolicy(using random: inout SplitMix) -> JSONValue {
        var pairs: [(String, JSONValue)] = []
        var allowsList = false
        for key in PolicyFile.keys where Bool.random(using: &random) {
            if key.name == "network" { allowsList = true }
            pairs.append((key.name, randomValue(of: key, using: &random)))
        }
        if allowsList, let index = pairs.firstIndex(where: { $0.0 == "network" }) { pairs[index].1 = "allow-list" }
        if !allowsList { pairs.removeAll { $0.0 == "egress.allow" } }
        return Self.object(pairs.shuffled(using: &random))
    }

    private func randomValue(of key: PolicyKey, using random: inout SplitMix) -> JSONValue {
        if key.kind.isOptional, Int.random(in: 0..<4, using: &random) == 0 { return .null }
        let number = Int.random(in: 65...4096, using: &random)
        switch key.kind.schema["title"]?.string ?? "" {
        case "size":
            return [.string("\(number)MiB"), .int(number << 20), .string("\(number).5 MB")].randomElement(
                using: &random) ?? 0
        case "count": return .int(number)
        case "duration":
            return [.string("\(number)ms"), .int(number), .double(Double(number) / 8)].randomElement(using: &random)
                ?? 1
        case "true|false": return .bool(Bool.random(using: &random))
        case "dir|tar": return .string("/srv/\(number)")
        case "source:path": return .array((0..<number % 3).map { .string("/s\($0):/p\($0)") })
        case "host:port": return .array((0..<number % 3).map { .string("h\($0).example.org:\(number)") })
        default:
            let choices = (key.kind.schema["enum"] ?? key.kind.schema["items"]?["enum"])?.array ?? []
            let choice = choices.randomElement(using: &random) ?? .null
            return key.kind.isList ? .array([choice]) : choice
        }
    }

    /// Nested by the dots of the names.
    private static func object(_ pairs: [(String, JSONValue)]) -> JSONValue {
        var object = JSONObject()
        for (name, value) in pairs {
            let parts = name.split(separator: ".").map(String.init)
            if parts.count == 1 {
                object[name] = value
            } else {
                var group = object[parts[0]]?.object ?? [:]
                group[parts[1]] = value
                object[parts[0]] = .object(group)
            }
        }
        return .object(object)
    }
}
