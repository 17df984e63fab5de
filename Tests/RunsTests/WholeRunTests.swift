import Basics
import Glibc
import Intents
import JSON
import TestSupport
import Testing

@testable import Runs

/// Whole runs of the built program with the shipped plugins: real workspaces, real processes.
@Suite struct WholeRunTests {
    /// A file with the short intents among the first of a seed.
    private func shortIntents(_ place: TemporaryDirectory, count: Int = 2) async throws -> String {
        let drawn = try await ise("intents", "--count", "40", "--seed", "11")
        #expect(drawn.status == 0)
        let file = IntentFile(parsing: Array(drawn.stdout.utf8))
        #expect(file.problems.isEmpty && file.records.count == 40)
        let short = file.records.filter { $0.complexity == "simple" }.prefix(count)
        #expect(short.count == count)
        try IntentFile.write(Array(short), to: place.file("intents.jsonl"))
        return place.file("intents.jsonl")
    }

    @Test func `a run leaves finished, intact traces and a summary that agrees with them`() async throws {
        let place = try TemporaryDirectory()
        let intents = try await shortIntents(place)
        let run = try await ise(
            "run", "--intents", intents, "--seed", "7", "--jobs", "2", "--out", place.file("run"), "--json")
        #expect(run.status == 0, "\(run.stderr)")
        let summary = try #require(run.summary)
        #expect(summary["planned"] == 2)
        #expect(summary["outcomes"] == ["completed": 2])
        #expect(summary["goals"] == summary["goals_met"])
        #expect((summary["user_turns_mean"]?.double ?? 0) >= 5)
        #expect((summary["failures"]?.int ?? 0) > 0 && (summary["recoveries"]?.int ?? 0) > 0)
        #expect(summary["out"]?.string == place.file("run"))

        #expect(try place.read("run/intents.jsonl") == place.read("intents.jsonl"))
        let report = try JSONValue(parsing: place.read("run/summary.json"))
        #expect(report["trajectories"]?.array?.count == 2)
        let traces = try traces(in: place, "run")
        #expect(traces.count == 2)
        let verified = try await ISEProcess(["trace", "verify"] + traces).ending()
        #expect(verified.status == 0, "\(verified.stdout)")
        let calls = try traces.reduce(0) { try $0 + events($1).count { $0["type"] == "tool_call" } }
        #expect(calls == summary["tool_calls"]?.int)

        let shown = try await ise("trace", "show", traces[0])
        #expect(shown.status == 0)
        #expect(shown.stdout.contains("outcome: completed") && !shown.stdout.contains("\u{1B}"))
    }

    @Test func `dialogue, calls and results don't depend on how many run at once`() async throws {
        let place = try TemporaryDirectory()
        let intents = try await shortIntents(place)
        for jobs in ["1", "4"] {
            let run = try await ise(
                "run", "--intents", intents, "--seed", "7", "--jobs", jobs, "--out", place.file(jobs))
            #expect(run.status == 0, "\(run.stderr)")
        }
        for (one, four) in zip(try traces(in: place, "1"), try traces(in: place, "4")) {
            #expect(try story(of: one) == story(of: four))
        }
    }

    @Test func `an interrupt closes what runs, keeps what is finished and leaves no process`() async throws {
        let place = try TemporaryDirectory()
        let run = try ISEProcess([
            "run", "--count", "200", "--seed", "7", "--jobs", "2", "--out", place.file("run"), "--json",
        ])
        while try run.isRunning && traces(in: place, "run").isEmpty { try await Task.sleep(for: .milliseconds(20)) }
        kill(run.pid, SIGINT)
        let ending = try await run.ending()
        #expect(ending.status == 130)
        let summary = try #require(ending.summary)
        let outcomes = summary["outcomes"]?.object?.members ?? []
        let finished = outcomes.reduce(0) { $0 + ($1.value.int ?? 0) }
        #expect((summary["outcomes"]?["cancelled"]?.int ?? 0) >= 1)
        #expect(finished + (summary["not_started"]?.int ?? 0) == 200)
        let names = try Files.names(in: place.file("run/trajectories"))
        #expect(names.count == finished)
        #expect(!names.contains { $0.hasSuffix(".part") })
        let verified = try await ISEProcess(["trace", "verify"] + traces(in: place, "run")).ending()
        #expect(verified.status == 0, "\(verified.stdout)")
    }

    @Test func `bad lines are told and counted, and the good intents run`() async throws {
        let place = try TemporaryDirectory()
        let good = try TestSupport.readFile(Fixtures.intents).split(separator: 0x0A)[0]
        let bad = [#"{"id": "../x", "natural_language_intent": "x"}"#, "{", #"{"id": "y"}"#].map { Array($0.utf8) }
        try place.write("intents.jsonl", Array(([Array(good), Array(good)] + bad).joined(separator: [0x0A])))
        let run = try await ise("run", "--intents", place.file("intents.jsonl"), "--out", place.file("run"), "--json")
        #expect(run.summary?["planned"] == 1)
        #expect(run.summary?["bad_lines"] == 4)
        for line in 2...5 { #expect(run.stderr.contains("intent left out: line \(line): ")) }
        #expect(run.stderr.contains("use --agent llm"))
        #expect(run.summary?["outcomes"]?.object?.count == 1)
    }

    @Test(arguments: [
        ("return {", "cannot be used"), ("while true do end", "ran out of CPU time"),
        ("return {}", "function \"next\""),
    ])
    func `an agent that doesn't load is told before anything runs`(source: String, reason: String) async throws {
        let place = try TemporaryDirectory()
        let manifest =
            #"--[[plugin {"api":1,"kind":"agent","name":"mine","version":"1.0.0","description":"Mine.","limits":{"cpu_ms":200}} ]]"#
        #expect(mkdir(place.file("plugins"), 0o755) == 0 && mkdir(place.file("plugins/agents"), 0o755) == 0)
        try place.write("plugins/agents/mine.lua", Array("\(manifest)\n\(source)\n".utf8))
        let run = try await ise(
            "run", "--plugins", place.file("plugins"), "--agent", "mine", "--out", place.file("run"))
        #expect(run.status == 1)
        #expect(run.stderr.contains("mine.lua") && run.stderr.contains(reason), "\(run.stderr)")
        #expect(!place.files().contains { $0.hasPrefix("run/") })
    }

    @Test func `an unknown plugin is told with the known ones`() async throws {
        let place = try TemporaryDirectory()
        let run = try await ise("run", "--agent", "scriptd", "--out", place.file("run"))
        #expect(run.status == 1)
        #expect(run.stderr.contains("did you mean \"scripted\"?"))
        #expect(place.files().isEmpty)
    }

    @Test func `doctor says what the machine has, for people and for programs`() async throws {
        let forPeople = try await ise("doctor")
        let forPrograms = try await ise("doctor", "--json")
        #expect(forPeople.status == 0, "\(forPeople.stdout)")
        #expect(forPeople.stdout.hasSuffix("Trajectories can be run here.\n"))
        let report = try #require(forPrograms.summary)
        #expect(report["can_run"] == true)
        #expect(report["isolation"]?["seccomp"] == "default-deny")
        let names = report["checks"]?.array?.compactMap { $0["name"]?.string } ?? []
        #expect(names.contains("workspaces") && names.contains("plugins") && names.contains("programs inside"))
    }
}
