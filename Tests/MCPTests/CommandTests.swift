import Glibc
import JSON
import TestSupport
import Testing
import Trace

/// `ise mcp` as its users start it.
struct CommandTests {
    private static let initialize =
        #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"# + "\n"

    private static func verify(_ out: String) throws -> TraceVerification {
        try TraceVerifier(store: ContentStore(directory: out + "/blobs"))
            .verify(out + "/trajectories/session.jsonl")
    }

    @Test(.enabled(if: PythonSDK.isThere, Comment(rawValue: PythonSDK.missing)))
    func theOfficialSDKIsAClient() async throws {
        let place = try TemporaryDirectory()
        mkdir(place.file("work"), 0o755)
        try place.write("work/seed.txt", Array("from the host\n".utf8))
        let (out, keep) = (place.file("out"), place.file("kept"))
        let client = try HostProgram([
            PythonSDK.interpreter, HostProgram.fixture("sdk_client.py"), HostProgram.ise, out, keep, place.file("work"),
        ])
        let ending = try await client.ending()
        #expect(ending.stdout == "ok\n", "\(ending.stderr)")
        #expect(ending.status == 0)
        let kept = try place.read("kept/home/user/note.txt")
        #expect(String(decoding: kept, as: UTF8.self) == "kept\n")
        #expect(!place.files().contains("kept/home/user/seed.txt"))
        let verification = try Self.verify(out)
        #expect(verification.isIntact)
        #expect(verification.outcome == "completed")
    }

    @Test func standardOutputHasTheProtocolAndNothingElse() async throws {
        let place = try TemporaryDirectory()
        let program = try HostProgram([HostProgram.ise, "mcp", "--out", place.file("out")])
        await program.send(Self.initialize + "rubbish\n")
        program.closeInput()
        let ending = try await program.ending()
        #expect(ending.status == 0, "\(ending.stderr)")
        let messages = try ending.stdout.split(separator: "\n").map { try JSONValue(parsing: $0) }
        #expect(messages.count == 2)
        #expect(messages.allSatisfy { $0["jsonrpc"] == "2.0" })
        #expect(ending.stderr.contains("out/trajectories/session.jsonl"))
        let verification = try Self.verify(place.file("out"))
        #expect(verification.isIntact)
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func aSignalEndsTheSessionAndItsTraceIsWhole(number: CInt) async throws {
        let place = try TemporaryDirectory()
        let program = try HostProgram([HostProgram.ise, "mcp", "--out", place.file("out")])
        await program.send(Self.initialize)
        let call =
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"exec","arguments":{"command":"sleep 7200"}}}"#
        await program.send(call + "\n" + #"{"jsonrpc":"2.0","id":2,"method":"ping"}"# + "\n")
        while try !program.stdoutSoFar().contains(#""id":2"#) { try await Task.sleep(for: .milliseconds(10)) }
        program.signal(number)
        let ending = try await program.ending()
        #expect(ending.status == 0, "\(ending.stderr)")
        let verification = try Self.verify(place.file("out"))
        #expect(verification.isIntact)
        #expect(verification.outcome == "cancelled")
    }

    @Test func theBoundsOfThePolicyHoldForTheCommandsOfTools() async throws {
        let place = try TemporaryDirectory()
        let program = try HostProgram([HostProgram.ise, "mcp", "--out", place.file("out"), "--timeout", "200ms"])
        let call =
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"exec","arguments":{"command":"sleep 7400"}}}"#
        await program.send(Self.initialize + call + "\n")
        while try !program.stdoutSoFar().contains(#""id":1"#) { try await Task.sleep(for: .milliseconds(10)) }
        program.closeInput()
        let ending = try await program.ending()
        let answer = try JSONValue(parsing: try #require(ending.stdout.split(separator: "\n").last))
        #expect(answer["result"]?["structuredContent"]?["timed_out"] == true, "\(answer)")
    }

    @Test func aDirectoryThatIsInUseIsRefusedBeforeAnythingIsServed() async throws {
        let place = try TemporaryDirectory()
        try place.write("file", [])
        let program = try HostProgram([HostProgram.ise, "mcp", "--out", place.path])
        program.closeInput()
        let ending = try await program.ending()
        #expect(ending.status == 1)
        #expect(ending.stdout.isEmpty)
        #expect(ending.stderr.contains("--out"))
    }
}
