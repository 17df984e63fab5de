import JSON
import Plugins

/// Compares what a fake and a real workspace answered to the same plugin.
enum FakeComparison {
    struct Difference {
        var text: String
        /// The plugin cannot but act otherwise: another error, another exit code, another kind of file.
        var isSerious: Bool
    }

    /// Members by which a plugin decides.
    private static let decisive: Set<String> = ["code", "signal", "timed_out", "ended_by", "kind", "truncated"]

    static func first(_ fake: [CallRecord], _ real: [CallRecord]) -> Difference? { all(fake, real).first }

    static func all(_ fake: [CallRecord], _ real: [CallRecord]) -> [Difference] {
        var differences: [Difference] = []
        for (left, right) in zip(fake, real) {
            for (a, b) in zip(left.hostCalls, right.hostCalls) {
                guard let difference = compare(a, b) else { continue }
                differences.append(difference)
                // What comes after another answer is another story.
                if difference.isSerious { return differences }
            }
        }
        return differences
    }

    private static func compare(_ fake: HostCall, _ real: HostCall) -> Difference? {
        let call = "\(fake.function)(\(short(fake.arguments)))"
        guard fake.function == real.function, fake.arguments == real.arguments else {
            return Difference(
                text: "\(call) in the fake, \(real.function)(\(short(real.arguments))) in the real workspace",
                isSerious: true)
        }
        if fake.errorCode != real.errorCode {
            let (left, right) = (fake.errorCode ?? "no error", real.errorCode ?? "no error")
            return Difference(text: "\(call): \(left) in the fake, \(right) in the real workspace", isSerious: true)
        }
        let (left, right) = (known(fake.result), known(real.result))
        guard let place = JSONDifference.first(left, right) else { return nil }
        return Difference(
            text:
                "\(call): \(place.replacing("expected", with: "the real workspace has").replacing(", got", with: ", the fake"))",
            isSerious: JSONDifference.first(decisions(left), decisions(right)) != nil)
    }

    /// Without what differs anyhow: times, and the sizes and modes of directories.
    private static func known(_ value: JSONValue?) -> JSONValue {
        func strip(_ value: JSONValue) -> JSONValue {
            switch value {
            case .array(let elements): return .array(elements.map(strip))
            case .object(let object):
                var kept = JSONObject()
                let isFolder = object["kind"]?.string == "directory"
                for member in object.members where !(isFolder && (member.key == "size" || member.key == "mode")) {
                    kept[member.key] = strip(member.value)
                }
                return .object(kept)
            default: return value
            }
        }
        return strip((value ?? .null).withoutVolatile)
    }

    private static func decisions(_ value: JSONValue) -> JSONValue {
        guard let object = value.object else { return value.isNull ? .null : .bool(true) }
        return .object(JSONObject(object.members.filter { decisive.contains($0.key) }.map { ($0.key, $0.value) }))
    }

    private static func short(_ arguments: JSONValue) -> String {
        let text = (arguments.array ?? []).map(\.compact).joined(separator: ", ")
        return text.count <= 80 ? text : text.prefix(77) + "…"
    }
}
