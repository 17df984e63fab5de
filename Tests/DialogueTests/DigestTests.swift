import JSON
import Testing

@testable import Dialogue

struct DigestTests {
    private func result(_ call: ProposedCall, ok: Bool, text: String = "", details: JSONValue? = nil) -> ToolResult {
        ToolResult(call: IdentifiedCall(id: "1", call: call), ok: ok, text: text, details: details)
    }

    @Test func `A failed call shows its exit code and the end of its text`() {
        let call = ProposedCall(name: "exec", arguments: #"{"command":"grep x\n  a.txt"}"#)
        let digest = ExecutionDigest(calls: [
            .init(
                result(call, ok: false, text: "grep: a.txt: No such file\n[exit code 2]\n", details: ["exit_code": 2]))
        ])
        #expect(digest.json["calls"]?.array?.first?["exit_code"] == 2)
        #expect(
            digest.text == """
                exec grep x   a.txt: failed, exit 2: grep: a.txt: No such file [exit code 2]
                no file was changed
                """)
    }

    @Test func `Files are listed by what happened to them`() {
        let digest = ExecutionDigest(files: FileChanges(created: ["a", "b"], changed: ["c"], deleted: ["d"]))
        #expect(digest.text == "no tool was called\ncreated: a, b\nchanged: c\ndeleted: d")
        #expect(digest.json["files"] == ["created": ["a", "b"], "changed": ["c"], "deleted": ["d"]])
    }

    @Test func `Long lists of files are cut in the text and whole in the data`() {
        let paths = (1...25).map { "f\($0)" }
        let digest = ExecutionDigest(files: FileChanges(created: paths))
        #expect(digest.text.contains("f20 and 5 more"))
        #expect(digest.json["files"]?["created"]?.array?.count == 25)
    }

    @Test func `A success after a failure of the same tool is a recovery`() {
        let exec = ProposedCall(name: "exec", arguments: "{}")
        let read = ProposedCall(name: "read", arguments: "{}")
        var tally = CallTally()
        tally.count(result(exec, ok: false))
        tally.count(result(exec, ok: false))
        tally.count(result(read, ok: true))
        #expect(tally.recoveries == 0)
        tally.count(result(exec, ok: true))
        tally.count(result(exec, ok: true))
        #expect((tally.calls, tally.failures, tally.recoveries) == (5, 2, 1))
    }

    @Test func `Text up to the cap goes to the model as it is`() {
        #expect(ModelFacingText.cap("abcd", limit: 4) == "abcd")
    }

    @Test func `Longer text keeps head and tail and says what is missing`() {
        let text = String(repeating: "a", count: 50) + String(repeating: "b", count: 50)
        let capped = ModelFacingText.cap(text, limit: 20)
        #expect(capped == "aaaaaaaaaa\n[... 80 of 100 bytes left out ...]\nbbbbbbbbbb")
    }

    @Test func `Characters are not cut in two`() {
        let capped = ModelFacingText.cap(String(repeating: "é", count: 20), limit: 10)
        #expect(capped == "éé\n[... 32 of 40 bytes left out ...]\néé")
    }
}
