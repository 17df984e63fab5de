import Glibc
import JSON

/// Checks that a text says what its tasks need: every concrete value of every task.
enum TextValidation {
    /// The first value that `text` lacks, in a sentence; nil when all are there.
    static func fault(in text: String, of tasks: [TaskInstance]) -> String? {
        let bytes = Array(text.utf8)
        for task in tasks {
            for member in task.values.members {
                if let missing = leaves(of: member.value).first(where: { !occurs($0, in: bytes) }) {
                    return "its text lacks \(member.key) = \(missing.compact) of the task \"\(task.task)\""
                }
            }
        }
        return nil
    }

    private static func leaves(of value: JSONValue) -> [JSONValue] {
        switch value {
        case .array(let elements): elements.flatMap(leaves)
        case .object(let object): object.members.flatMap { leaves(of: $0.value) }
        default: [value]
        }
    }

    /// A number must stand by itself: 17 doesn't occur in "2017".
    private static func occurs(_ value: JSONValue, in text: [UInt8]) -> Bool {
        switch value {
        case .string(let string): contains(Array(string.utf8), in: text) { _, _ in true }
        case .int(let number): contains(Array(String(number).utf8), in: text, where: standsAlone)
        case .double(let number): contains(Array(spelling(of: number).utf8), in: text, where: standsAlone)
        default: true
        }
    }

    private static func contains(
        _ needle: [UInt8], in text: [UInt8], where fits: (_ before: UInt8?, _ after: UInt8?) -> Bool
    ) -> Bool {
        guard let first = needle.first else { return true }
        guard needle.count <= text.count else { return false }
        for start in 0...(text.count - needle.count) where text[start] == first {
            let end = start + needle.count
            guard text[start..<end].elementsEqual(needle) else { continue }
            if fits(start > 0 ? text[start - 1] : nil, end < text.count ? text[end] : nil) { return true }
        }
        return false
    }

    private static func standsAlone(before: UInt8?, after: UInt8?) -> Bool {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        return !(before.map(digits.contains) ?? false) && !(after.map(digits.contains) ?? false)
    }

    /// As Lua's `tostring` writes a float, for it is Lua that puts the value into the text.
    private static func spelling(of number: Double) -> String {
        var buffer = [CChar](repeating: 0, count: 40)
        let count = withVaList([number]) { vsnprintf(&buffer, buffer.count, "%.14g", $0) }
        let text = String(decoding: buffer.prefix(Int(count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return text.allSatisfy { $0.isNumber || $0 == "-" } ? text + ".0" : text
    }
}
