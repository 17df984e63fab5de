import JSON
import TestSupport
import Testing
import Trace

@testable import Dialogue

/// The exec tool where a command ends badly or says too much.
struct ExecToolTests {
    @Test func `A command that takes too long is a typed result with what it wrote, and the workspace stays usable`()
        async throws
    {
        try await ToolRoom.with { room in
            let late = try await room.call("exec", ["command": "echo begun; touch made; sleep 5000", "timeout": 1])
            #expect(!late.ok && late.errorCode == nil)
            #expect(late.text == "begun\n[timed out after 1 s]")
            #expect(late.details?["timed_out"] == true && late.details?["exit_code"] == nil)
            #expect(try room.trace.events(.exec).first?["ended_by"] == "timeout")
            #expect(try room.trace.events(.exec).first?["stdout"] == "begun\n")
            let next = try await room.call("exec", ["command": "ls; echo still here"])
            #expect(next.ok && next.text == "made\nstill here\n")
        }
    }

    @Test func `Of a long output the model gets both ends and the size, the record all of it`() async throws {
        try await ToolRoom.with { room in
            let result = try await room.call("exec", ["command": "seq 1 150000"])
            let whole = (1...150_000).map { "\($0)\n" }.joined()
            #expect(result.text.hasPrefix("1\n2\n3\n") && result.text.hasSuffix("149999\n150000\n"))
            let shown = result.text.utf8.count
            #expect(shown < 32 << 10)
            let note = try #require(result.text.split(separator: "\n").first { $0.hasPrefix("[... ") })
            let left = try #require(note.split(separator: " ").dropFirst().first.flatMap { Int($0) })
            #expect(note == "[... \(left) bytes left out here ...]")
            #expect(shown - note.utf8.count - 2 + left == whole.utf8.count)
            #expect(result.details?["stdout_bytes"]?.int == whole.utf8.count)

            let exec = try #require(try room.trace.events(.exec).first)
            #expect(exec["stdout_bytes"]?.int == whole.utf8.count && exec["truncated"] == nil)
            let blob = try #require(exec["stdout"].flatMap(BlobReference.init))
            #expect(blob.byteCount == whole.utf8.count)
            let store = ContentStore(directory: room.trace.directory.file("blobs"))
            #expect(try store.bytes(of: blob.hash) == Array(whole.utf8))

            // Beyond what the host keeps, that is told.
            let huge = try await room.call("exec", ["command": "seq 1 300000"])
            let cut = try #require(try room.trace.events(.exec).last)
            #expect(cut["truncated"] == true && cut["stdout_bytes"] == 1_988_895)
            #expect(huge.text.contains("bytes left out here") && huge.text.hasSuffix("300000\n"))
        }
    }
}
