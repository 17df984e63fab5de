import Basics
import Glibc
import Intents
import JSON
import TestSupport
import Testing

@testable import Runs

@Suite struct RunDirectoryTests {
    @Test func `a claimed directory holds the configuration and room for trajectories`() throws {
        let place = try TemporaryDirectory()
        let run = try RunDirectory.claim(place.path + "/a/b", configuration: ["seed": 7])
        #expect(try Files.names(in: place.path + "/a/b") == ["run.json", "trajectories"])
        #expect(try JSONValue(parsing: place.read("a/b/run.json")) == ["seed": 7])
        #expect(run.trajectories == place.path + "/a/b/trajectories")
    }

    @Test func `an empty directory is taken, one with a run or with other things is not`() throws {
        let place = try TemporaryDirectory()
        _ = try RunDirectory.claim(place.path, configuration: [:])
        let run = try #require(throws: RunError.self) { try RunDirectory.claim(place.path, configuration: [:]) }
        #expect(run.message.contains("holds a run already"))

        let other = try TemporaryDirectory()
        try other.write("thesis.txt", Array("important".utf8))
        let error = try #require(throws: RunError.self) { try RunDirectory.claim(other.path, configuration: [:]) }
        #expect(error.code == .directory)
        #expect(error.message.contains("is not empty and holds no run (thesis.txt)"))
        #expect(try Files.names(in: other.path) == ["thesis.txt"])
    }

    @Test func `of many that claim one directory at once, one gets it`() async throws {
        let place = try TemporaryDirectory()
        let path = place.path + "/run"
        let claims = await Scheduler(jobs: 8).run(Array(0..<8)) { _ in
            (try? RunDirectory.claim(path, configuration: [:])) != nil
        }
        #expect(claims.count { $0 == true } == 1)
    }

    @Test func `a path below a file is refused with the reason`() throws {
        let place = try TemporaryDirectory()
        try place.write("file", [])
        let error = try #require(throws: RunError.self) {
            try RunDirectory.claim(place.path + "/file/run", configuration: [:])
        }
        #expect(error.message.contains("Not a directory"))
        #expect(error.message.contains("--out"))
    }

    @Test(.enabled(if: geteuid() != 0, "root may write anywhere"))
    func `a directory without write permission is refused`() throws {
        let place = try TemporaryDirectory()
        chmod(place.path, 0o555)
        defer { chmod(place.path, 0o755) }
        let error = try #require(throws: RunError.self) {
            try RunDirectory.claim(place.path + "/run", configuration: [:])
        }
        #expect(error.message.contains("Permission denied"))
    }

    /// /dev/full takes no byte, like a full disk.
    @Test func `a full disk is reported and leaves no half file`() throws {
        let place = try TemporaryDirectory()
        symlink("/dev/full", place.path + "/summary.json.part")
        let run = RunDirectory(path: place.path)
        let error = try #require(throws: RunError.self) { try run.write(summary: [:]) }
        #expect(error.message.contains("No space left on device"))
        #expect(try Files.names(in: place.path) == [])
    }

    @Test func `a claim that is given back leaves nothing`() throws {
        let place = try TemporaryDirectory()
        try RunDirectory.claim(place.path + "/run", configuration: [:]).abandon()
        #expect(try Files.names(in: place.path) == [])
    }

    @Test func `intents are written one to a line`() throws {
        let place = try TemporaryDirectory()
        let lines = [#"{"id":"a", "natural_language_intent":"x"}"#, #"{"id":"b","query":"y"}"#]
        try RunDirectory(path: place.path).write(IntentFile(parsing: Array(lines.joined(separator: "\n").utf8)).records)
        #expect(try place.read("intents.jsonl") == Array((lines.joined(separator: "\n") + "\n").utf8))
        #expect(try Files.names(in: place.path) == ["intents.jsonl"])
    }
}
