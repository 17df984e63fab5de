import JSON
import Testing

@Suite struct SuggestionTests {
    @Test(arguments: [
        ("exce", "exec"), ("descripton", "description"), ("memry", "memory"), ("tools/exec", nil), ("zzz", nil),
        ("", nil), ("x", nil),
    ]) func `The nearest name is suggested, and none that is far`(_ name: String, _ expected: String?) {
        #expect(Suggestion.closest(to: name, among: ["exec", "description", "memory", "read"]) == expected)
    }

    @Test func `A name of megabytes is like none, and that is soon known`() {
        let candidates = (0..<2000).map { String(repeating: "name\($0) ", count: 20) }
        #expect(Suggestion.closest(to: String(repeating: "x", count: 4 << 20), among: candidates) == nil)
    }
}
