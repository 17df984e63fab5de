import Glibc
import JSON
import TestSupport
import Testing

@testable import Runs

/// The shipped plugins in processes of their own, and plugins that are edited while a run goes on.
@Suite struct PluginEngineTests {
    /// A copy of the shipped plugins, which is not where ISE's own stand and so not trusted.
    private func copy(to place: TemporaryDirectory) throws -> String {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let copy = place.file("copy")
        try #require(runCommand(["cp", "-R", root + "/plugins", copy]) == 0)
        return copy
    }

    @Test func `Shipped plugins do the same in workers as within ISE`() async throws {
        let place = try TemporaryDirectory()
        let foreign = try copy(to: place)
        let here = try await ise("intents", "--count", "4", "--seed", "3")
        let there = try await ise("intents", "--count", "4", "--seed", "3", "--plugins", foreign)
        #expect(here.status == 0 && there.status == 0, "\(there.stderr)")
        #expect(here.stdout == there.stdout)

        try writeFile(place.file("intents.jsonl"), Array(here.stdout.utf8))
        for (name, more) in [("here", []), ("there", ["--plugins", foreign])] {
            let run = try await ISEProcess(
                [
                    "run", "--intents", place.file("intents.jsonl"), "--count", "2", "--seed", "7", "--out",
                    place.file(name),
                ]
                    + more
            ).ending()
            #expect(run.status == 0, "\(run.stderr)")
        }
        let (here2, there2) = (try traces(in: place, "here"), try traces(in: place, "there"))
        #expect(here2.count == 2 && there2.count == 2)
        for (one, other) in zip(here2, there2) {
            #expect(try story(of: one) == story(of: other))
            #expect(try engines(in: one) == ["in-process"] && engines(in: other) == ["worker"])
        }
    }

    private func engines(in trace: String) throws -> Set<String> {
        let event = try #require(try events(trace).first { $0["type"] == "plugins" })
        return Set((event["plugins"]?.array ?? []).compactMap { $0["engine"]?.string })
    }

    @Test func `A trajectory keeps the versions it started with, whatever is edited meanwhile`() async throws {
        let place = try TemporaryDirectory()
        let edited = try copy(to: place)
        let file = edited + "/tools/read/main.lua"
        let original = try readFile(file)
        let run = try ISEProcess([
            "run", "--count", "8", "--seed", "5", "--jobs", "2", "--plugins", edited, "--trust", "read", "--out",
            place.file("run"),
        ])
        var edits = 0
        while try run.isRunning {
            edits += 1
            // Every third edit is no Lua at all, and stands until the next trajectory has seen it.
            let text = edits % 3 == 0 ? "return {" : "-- edit \(edits)\n" + String(decoding: original, as: UTF8.self)
            try writeFile(file + ".new", Array(text.utf8))
            rename(file + ".new", file)
            try await Task.sleep(for: .milliseconds(edits % 3 == 0 ? 600 : 150))
        }
        let ending = try await run.ending()
        #expect(ending.status == 0, "\(ending.stderr)")

        var versions: Set<String> = []
        for trace in try traces(in: place, "run") {
            let events = try events(trace)
            let plugins = try #require(events.first { $0["type"] == "plugins" })
            let used = plugins["plugins"]?.array?.first { $0["kind"] == "tool" && $0["name"] == "read" }
            let hash = try #require(used?["hash"]?.string)
            versions.insert(hash)
            let calls = events.filter { $0["type"] == "tool_call" && $0["tool"] == "read" }
            #expect(calls.allSatisfy { $0["plugin"]?.string == hash })
            // What ran can be read again.
            let blob = try #require(plugins["sources"]?["blob"]?.string).dropFirst("sha256:".count)
            let sources = try JSONValue(
                parsing: readFile(place.file("run/blobs/\(blob.prefix(2))/\(blob)")))
            #expect(sources[hash]?["files"]?["main.lua"]?.string?.hasPrefix("--") == true)
        }
        #expect(versions.count > 1)
        #expect(ending.stderr.contains("an edit was not taken over") && ending.stderr.contains("read/main.lua"))
    }
}
