import Glibc
import Testing

@testable import Workspaces

@Suite struct SandboxStreamTests {
    private func request(_ script: String) -> ExecRequest {
        var request = ExecRequest(argv: ["sh", "-c", script], outputLimit: 1024)
        request.streamsOutput = true
        return request
    }

    private func all(_ chunks: OutputChunks) async -> [UInt8] {
        var bytes: [UInt8] = []
        for await chunk in chunks { bytes += chunk }
        return bytes
    }

    @Test func `Both streams arrive whole, also what is written right before the end`() async throws {
        try await Shared.withWorkspace { workspace in
            let job = try await workspace.start(request("seq 20000; seq 7 >&2"))
            async let out = all(job.chunks(of: .stdout))
            async let err = all(job.chunks(of: .stderr))
            let expected = (1...20000).map { "\($0)\n" }.joined()
            #expect(await String(decoding: out, as: UTF8.self) == expected)
            #expect(await err.count == 14)
            let result = try await job.wait()
            #expect(result.stdout.totalBytes == expected.utf8.count && result.stdout.truncated)
        }
    }

    @Test func `Output that nobody asks for holds the command up, and only it`() async throws {
        try await Shared.withWorkspace { workspace in
            let job = try await workspace.start(request("head -c 1000000 /dev/zero; echo over >&2"))
            #expect(try await workspace.exec(.shell("echo other")).stdout.text == "other\n")
            #expect(job.isRunning)
            #expect(job.stdout.totalBytes == 0)
            #expect(await all(job.chunks(of: .stdout)).count == 1_000_000)
            #expect(try await job.wait().exitCode == 0)
            #expect(await all(job.chunks(of: .stderr)) == Array("over\n".utf8))
        }
    }

    @Test func `A reader ends with the command, whatever is left running`() async throws {
        try await Shared.withWorkspace { workspace in
            let job = try await workspace.start(request("(sleep 0.3; echo late; sleep 1000) & echo early"))
            #expect(await all(job.chunks(of: .stdout)) == Array("early\n".utf8))
            #expect(try await job.wait().leftRunning.isEmpty == false)
            #expect(try await eventually { job.stdout.text == "early\nlate\n" })
        }
    }

    @Test func `A stream that nobody wants ends the command as a closed pipe does`() async throws {
        try await Shared.withWorkspace { workspace in
            let job = try await workspace.start(request("exec yes"))
            var iterator = job.chunks(of: .stdout).makeAsyncIterator()
            #expect(await iterator.next() != nil)
            job.chunks(of: .stdout).stop()
            #expect(await iterator.next() == nil)
            #expect(try await job.wait().signal == Int(SIGPIPE))
        }
    }

    @Test func `A slow reader is not taken for a silent command`() async throws {
        try await Shared.withWorkspace { workspace in
            var request = request("head -c 500000 /dev/zero")
            request.silenceTimeout = .milliseconds(50)
            let job = try await workspace.start(request)
            #expect(try await job.wait(atMost: .milliseconds(400)) == nil)
            #expect(await all(job.chunks(of: .stdout)).count == 500_000)
            #expect(try await job.wait().endedBy == .exit)
        }
    }

    @Test func `Input is taken as fast as the command reads it`() async throws {
        try await Shared.withWorkspace { workspace in
            var request = ExecRequest(argv: ["sh", "-c", "wc -c"])
            request.keepsInput = true
            let job = try await workspace.start(request)
            let piece = [UInt8](repeating: 7, count: 1 << 20)
            for _ in 0..<16 { #expect(await job.send(piece)) }
            job.finishInput()
            #expect(try await job.wait().stdout.text == "\(16 << 20)\n")
            #expect(await job.send([1]) == false)
        }
    }

    @Test func `Input for a command that does not read ends with the command`() async throws {
        try await Shared.withWorkspace { workspace in
            var request = ExecRequest(argv: ["sh", "-c", "sleep 0.2"])
            request.keepsInput = true
            let job = try await workspace.start(request)
            #expect(await job.send([UInt8](repeating: 0, count: 1 << 20)) == false)
            #expect(try await job.wait().exitCode == 0)
        }
    }

    @Test func `A terminal is streamed too`() async throws {
        try await Shared.withWorkspace { workspace in
            var request = request("tty; stty size; echo over")
            request.terminal = TerminalSize(rows: 33, columns: 101)
            let job = try await workspace.start(request)
            let text = String(decoding: await all(job.chunks(of: .stdout)), as: UTF8.self)
            #expect(text.hasPrefix("/dev/pts/") && text.hasSuffix("33 101\r\nover\r\n"))
        }
    }
}
