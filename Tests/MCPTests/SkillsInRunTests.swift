import Glibc
import JSON
import TestSupport
import Testing

/// Skills of a whole run.
struct SkillsInRunTests {
    private static func write(_ name: String, in place: TemporaryDirectory) throws {
        mkdir(place.file(name), 0o755)
        let text = "---\nname: \(name)\ndescription: Knows \(name).\n---\nBe kind.\n"
        try place.write("\(name)/SKILL.md", Array(text.utf8))
    }

    @Test func theAgentReadsTheSkillsThatItsIntentNames() async throws {
        let place = try TemporaryDirectory()
        for name in ["own-one", "own-two"] { try Self.write(name, in: place) }
        let calls = #"[["read", {"path": "/skills/own-one/SKILL.md"}], ["exec", {"command": "ls /skills"}]]"#
        let run = try await CallerRun.play(
            calls: calls, record: ["skills_used": ["own-one", "own-tow"]], ["--skills", place.path])
        #expect(run.ending.status == 0, "\(run.ending.stderr)")
        #expect(run.results().first?["text"]?.string?.contains("Be kind.") == true)
        #expect(run.results().last?["text"] == "own-one\n")
        let prompt = try #require(run.events.first { $0.type == "prompt" }?.payload["system"]?.string)
        #expect(prompt.contains("<location>/skills/own-one/SKILL.md</location>"))
        #expect(!prompt.contains("own-two"))
        let uses = run.events.first { $0.type == "plugins" }?.payload["plugins"]?.array ?? []
        let skills = uses.filter { $0["kind"] == "skill" }
        #expect(skills.map { $0["name"] } == ["own-one"])
        #expect(skills.first?["hash"]?.string?.count == 64)
        #expect(run.logs().contains { $0.contains("own-tow") && $0.contains("did you mean") })
    }

    @Test func anIntentThatNamesNoneGetsAll() async throws {
        let run = try await CallerRun.play(calls: #"[["exec", {"command": "ls /skills"}]]"#, [])
        #expect(run.results().first?["text"] == "csv-cleaning\nlog-triage\npatch-by-hand\n")
    }

    @Test func withoutSkillsThereIsNoWordOfThem() async throws {
        let run = try await CallerRun.play(calls: #"[["exec", {"command": "ls /skills"}]]"#, ["--no-skills"])
        #expect(run.results().first?["failed"] == true)
        let prompt = try #require(run.events.first { $0.type == "prompt" }?.payload["system"]?.string)
        #expect(!prompt.contains("available_skills"))
    }

    @Test func aSessionOfTheProtocolHasThemToo() async throws {
        let place = try TemporaryDirectory()
        let program = try HostProgram([HostProgram.ise, "mcp", "--out", place.file("out")])
        await program.send(
            #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"# + "\n"
                + #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":"#
                + #"{"name":"read","arguments":{"path":"/skills/log-triage/SKILL.md"}}}"# + "\n")
        program.closeInput()
        let ending = try await program.ending()
        let answers = try ending.stdout.split(separator: "\n").map { try JSONValue(parsing: $0) }
        let instructions = answers.first?["result"]?["instructions"]?.string
        #expect(instructions?.contains("/skills/log-triage/SKILL.md") == true)
        #expect(answers.last?["result"]?["content"]?.array?.first?["text"]?.string?.contains("# Log triage") == true)
    }
}
