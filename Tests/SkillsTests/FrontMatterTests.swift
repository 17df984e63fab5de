import JSON
import TestSupport
import Testing

@testable import Skills

/// What stands at the head of a `SKILL.md`, as authors write it.
struct FrontMatterTests {
    private static func read(_ lines: String...) throws(SkillProblem) -> FrontMatter {
        let text = "---\n" + lines.joined(separator: "\n") + "\n---\n\n# Body\n"
        return try FrontMatter(Array(text.utf8), file: "SKILL.md")
    }

    private static func problem(_ lines: String...) -> SkillProblem? {
        let text = "---\n" + lines.joined(separator: "\n") + "\n---\n"
        return problem(in: text)
    }

    private static func problem(in text: String) -> SkillProblem? {
        do throws(SkillProblem) {
            _ = try FrontMatter(Array(text.utf8), file: "SKILL.md")
            return nil
        } catch { return error }
    }

    @Test func allKeysOfTheConventionAreRead() throws {
        let matter = try Self.read(
            "name: pdf-tools", "description: \"Reads: PDFs\"", "license: MIT", "compatibility: needs poppler",
            "allowed-tools: Bash(git add:*) Read, Write", "metadata:", "  version: \"1.2\"", "  id: abc")
        #expect(matter.name == "pdf-tools")
        #expect(matter.description == "Reads: PDFs")
        #expect(matter.license == "MIT")
        #expect(matter.compatibility == "needs poppler")
        #expect(matter.allowedTools == ["Bash(git add:*)", "Read", "Write"])
        #expect(matter.version == "1.2")
        #expect(matter.id == "abc")
        #expect(matter.remarks.isEmpty)
    }

    @Test(arguments: [
        ("description: |\n  First line.\n  Second line.", "First line.\nSecond line."),
        ("description: >-\n  First line,\n  folded.", "First line, folded."),
        ("description: 'it''s quoted'", "it's quoted"),
        ("description: \"a \\\"b\\\" \\u00e9\"", "a \"b\" é"),
        ("description: plain, with commas   # and a comment", "plain, with commas"),
        ("description: several plain\n  lines", "several plain lines"),
    ])
    func everyWayToWriteATextIsUnderstood(yaml: String, text: String) throws {
        let matter = try Self.read("name: a", yaml)
        #expect(matter.description == text)
    }

    @Test func requirementsAreReadFlatAndNested() throws {
        let flat = try Self.read(
            "name: a", "description: d", "metadata:", "  requires-bins: python3 jq", "  requires-any-bins: rg grep",
            "  requires-env: TOKEN", "  requires-tools: exec, read", "  requires-os: linux darwin")
        #expect(flat.requirements.programs == ["python3", "jq"])
        #expect(flat.requirements.anyPrograms == ["rg", "grep"])
        #expect(flat.requirements.environment == ["TOKEN"])
        #expect(flat.requirements.tools == ["exec", "read"])
        #expect(flat.requirements.systems == ["linux", "darwin"])
        let nested = try Self.read(
            "name: a", "description: d",
            #"metadata: {"openclaw": {"emoji": "x", "os": ["darwin"], "requires": {"bins": ["op"], "env": ["KEY"]}}}"#)
        #expect(nested.requirements.programs == ["op"])
        #expect(nested.requirements.environment == ["KEY"])
        #expect(nested.requirements.systems == ["darwin"])
        let asText = try Self.read(
            "name: a", "description: d", "metadata:", #"  openclaw: '{"requires": {"anyBins": ["a", "b"]}}'"#)
        #expect(asText.requirements.anyPrograms == ["a", "b"])
    }

    @Test(arguments: [
        ("description: d", 2, "\"name\" must be"), ("name: Has-Capitals\ndescription: d", 2, "lower-case"),
        ("name: two--hyphens\ndescription: d", 2, "single hyphens"),
        ("name: 17\ndescription: d", 2, "put it in quotes"),
        ("name: a", 2, "\"description\" is missing"), ("name: a\ndescription: ''", 3, "is empty"),
        ("name: a\ndescripton: d", 3, "did you mean \"description\""),
        ("name: a\ndescription: d\nlicence: MIT", 4, "did you mean \"license\""),
        ("name: a\ndescription: d\nmetadata: text", 4, "must be a mapping"),
        ("name: a\ndescription: d\nallowed-tools: {a: b}", 4, "list of names"),
        ("name: a\ndescription: d\nmetadata:\n  requires-bin: x", 4, "did you mean \"requires-bins\""),
        ("name: a\ndescription: d\nmetadata:\n  openclaw: {requires: {binz: [x]}}", 4, "binz"),
        ("name: a\nname: b\ndescription: d", 3, "stands twice"),
        ("name: a\ndescription: Use it: when needed", 3, "no YAML"),
        ("name: a\n\tdescription: d", 3, "no YAML"), ("- name", 2, "mapping"), ("", 2, "mapping"),
        ("name: a\ndescription: d\n? [x]\n: y", 4, "a key must be a text"),
    ])
    func whatIsWrongIsSaidWithItsLine(yaml: String, line: Int, reason: String) throws {
        let problem = try #require(Self.problem(yaml))
        #expect(problem.reason.contains(reason), "\(problem)")
        #expect(problem.line == line, "\(problem)")
    }

    @Test func lengthsHaveTheirLimits() throws {
        let long = String(repeating: "d", count: 1025)
        #expect(Self.problem("name: a", "description: \(long)")?.reason.contains("1024") == true)
        #expect(Self.problem("name: \(String(repeating: "a", count: 65))", "description: d") != nil)
        #expect(Self.problem("name: a", "description: \(long.dropLast())") == nil)
    }

    @Test(arguments: ["", "# Title\n", "name: a\n---\n", "---\nname: a\ndescription: d\n", " ---\nname: a\n---\n"])
    func withoutFencesThereIsNoFrontMatter(text: String) {
        #expect(Self.problem(in: text)?.line == 1)
    }

    @Test func linesOfOtherSystemsAreTaken() throws {
        let text = "\u{FEFF}---\r\nname: a\r\ndescription: d\r\n---\r\n"
        #expect(Self.problem(in: text) == nil)
    }

    @Test func aKeyFromElsewhereIsARemark() throws {
        let matter = try Self.read("name: a", "description: d", "emoji: x")
        #expect(matter.remarks.map(\.line) == [4])
    }

    @Test func aBombIsNoFrontMatter() {
        let bomb = (1...9).map { level in
            "a\(level): &a\(level) [\((0..<9).map { _ in level == 1 ? "x" : "*a\(level - 1)" }.joined(separator: ","))]"
        }
        #expect(Self.problem(bomb.joined(separator: "\n"))?.reason.contains("too many") == true)
        let deep = "a: " + String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        #expect(Self.problem(deep)?.reason.contains("deep") == true)
    }

    @Test func noBytesBringTheReaderDown() {
        var random = SplitMix(seed: 11)
        let seed = Array("---\nname: a\ndescription: >\n  d\nmetadata: {a: [1, 'x'], b: &c {d: *c}}\n---\n".utf8)
        for _ in 0..<3000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                let index = Int.random(in: 4..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.insert(contentsOf: bytes[4..<index], at: index)
                }
            }
            do { _ = try FrontMatter(bytes, file: "x") } catch { #expect(!error.reason.isEmpty) }
        }
    }
}
