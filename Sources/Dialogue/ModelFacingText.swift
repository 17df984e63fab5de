/// What the agent gets of a tool's text: all of it up to a cap; beyond, the head and the tail with a note of the size between
/// them. The trace has the whole text.
enum ModelFacingText {
    /// Bytes of UTF-8. Tools cap their own output with more sense; this is the net below them.
    static let limit = 32 << 10

    static func cap(_ text: String, limit: Int = limit) -> String {
        let utf8 = Array(text.utf8)
        guard utf8.count > limit else { return text }
        let head = prefix(of: utf8, bytes: limit / 2)
        let tail = suffix(of: utf8, bytes: limit - limit / 2)
        let left = utf8.count - head.utf8.count - tail.utf8.count
        return "\(head)\n[... \(left) of \(utf8.count) bytes left out ...]\n\(tail)"
    }

    /// At most `bytes` from the start, not cutting a character's bytes.
    private static func prefix(of utf8: [UInt8], bytes: Int) -> String {
        var end = bytes
        while end > 0, isContinuation(utf8[end]) { end -= 1 }
        return String(decoding: utf8[..<end], as: UTF8.self)
    }

    private static func suffix(of utf8: [UInt8], bytes: Int) -> String {
        var start = utf8.count - bytes
        while start < utf8.count, isContinuation(utf8[start]) { start += 1 }
        return String(decoding: utf8[start...], as: UTF8.self)
    }

    private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
}
