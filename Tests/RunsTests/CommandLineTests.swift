import TestSupport
import Testing

@Suite struct CommandLineTests {
    @Test(arguments: [
        ["run", "--count", "0"], ["run", "--jobs", "0"], ["run", "--max-turns", "0"], ["run", "--seed", "x"],
        ["run", "--nonsense"], ["trace", "verify"],
        ["intents", "--count", "-1"],
    ])
    func `a wrong command line is told and starts nothing`(arguments: [String]) async throws {
        let ending = try await ISEProcess(arguments).ending()
        #expect(ending.status == 64)
        #expect(ending.stderr.contains("Error:"))
        #expect(ending.stdout.isEmpty)
    }

    @Test func `the version is told`() async throws {
        let ending = try await ise("--version")
        #expect(ending.status == 0)
        #expect(ending.stdout == "0.1.0\n")
    }

    @Test func `without plugins it says where to put them`() async throws {
        let place = try TemporaryDirectory()
        let ending = try await ise("run", "--plugins", place.path + "/none", "--out", place.path + "/run")
        #expect(ending.status == 1)
        #expect(ending.stderr.contains("there is no plugin directory"))
        #expect(place.files().isEmpty)
    }

    @Test func `a trace that isn't there, or is none, is told`() async throws {
        let place = try TemporaryDirectory()
        try place.write("no.jsonl", Array("this is no trace\n".utf8))
        let missing = try await ise("trace", "show", place.path + "/none.jsonl")
        #expect(missing.status == 1 && missing.stderr.contains("No such file"))
        let nonsense = try await ise("trace", "verify", place.path + "/no.jsonl", place.path + "/none.jsonl")
        #expect(nonsense.status == 1)
        #expect(nonsense.stdout.contains("no.jsonl: line 1:"))
        #expect(nonsense.stderr.contains("none.jsonl"))
    }
}
