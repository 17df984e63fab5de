import Glibc
import Testing

@testable import Workspaces

@Suite struct ExecTests {
    @Test func `A command's output, exit code and resources come back`() async throws {
        let result = try await Shared.run("echo out; echo err >&2; exit 7")
        #expect(result.exitCode == 7)
        #expect(result.signal == nil)
        #expect(result.endedBy == .exit)
        #expect(result.stdout.text == "out\n")
        #expect(result.stderr.text == "err\n")
        #expect(result.maxRSSBytes > 0)
        #expect(result.wall > .zero)
        #expect(result.leftRunning.isEmpty)
        #expect(!result.succeeded)
    }

    @Test func `A signal is told apart from an exit code`() async throws {
        let result = try await Shared.run("kill -SEGV $$")
        #expect(result.exitCode == nil)
        #expect(result.signal == Int(SIGSEGV))
        #expect(result.endedBy == .signal)
    }

    @Test func `Arguments are passed as they are, byte by byte`() async throws {
        try await Shared.withWorkspace { workspace in
            var request = ExecRequest(argv: ["/usr/bin/printf", "%s|", "a b", "$HOME", "'\"*", ""])
            request.argv.append([0xFF, 0xFE, 0x0A])
            let result = try await workspace.exec(request)
            #expect(result.stdout.bytes == Array("a b|$HOME|'\"*||".utf8) + [0xFF, 0xFE, 0x0A] + Array("|".utf8))
        }
    }

    @Test func `Standard input is at its end unless something is given`() async throws {
        try await Shared.withWorkspace { workspace in
            #expect(try await workspace.exec(.shell("cat; echo done")).stdout.text == "done\n")
            let big = [UInt8](repeating: UInt8(ascii: "x"), count: 3 << 20)
            let counted = try await workspace.exec(ExecRequest(argv: ["wc", "-c"], stdin: big))
            #expect(counted.stdout.text == "\(big.count)\n")
            let ignored = try await workspace.exec(ExecRequest(argv: ["true"], stdin: big))
            #expect(ignored.exitCode == 0)
        }
    }

    @Test func `The directory and the environment are the request's`() async throws {
        try await Shared.withWorkspace { workspace in
            let result = try await workspace.exec(
                ExecRequest(
                    argv: ["sh", "-c", "pwd; echo $GREETING; env | grep -c SECRET"],
                    environment: ["GREETING": "good day"], directory: "/tmp"))
            #expect(result.stdout.text == "/tmp\ngood day\n0\n")
        }
    }

    @Test func `Nothing of this process's environment comes along`() async throws {
        setenv("ISE_TEST_SECRET", "s3cr3t", 1)
        let result = try await Shared.run("env; cat /proc/1/environ")
        #expect(!result.stdout.text.contains("s3cr3t"))
        #expect(result.stdout.text.contains("HOME=/home/user"))
    }

    @Test func `What cannot be executed is an error that says why`() async throws {
        try await Shared.withWorkspace { workspace in
            func code(_ request: ExecRequest) async -> WorkspaceError.Code? {
                do throws(WorkspaceError) {
                    _ = try await workspace.exec(request)
                    return nil
                } catch { return error.code }
            }
            #expect(await code(ExecRequest(argv: ["no-such-program"])) == .commandNotFound)
            #expect(await code(ExecRequest(argv: ["/etc/passwd"])) == .notExecutable)
            #expect(await code(ExecRequest(argv: ["/tmp"])) == .notExecutable)
            #expect(await code(ExecRequest(argv: [])) == .commandNotFound)
            #expect(await code(ExecRequest(argv: ["a\0b"])) == .invalidPath)
            #expect(await code(ExecRequest(argv: ["true"], directory: "/missing")) == .notFound)
            #expect(await code(ExecRequest(argv: ["true"], environment: ["A=B": ""])) == .invalidPath)
            let huge = String(repeating: "x", count: 200_000)
            #expect(await code(ExecRequest(argv: ["true", huge])) == .tooBig)
            #expect(await code(ExecRequest(argv: Array(repeating: huge, count: 100))) == .tooBig)
            let after = try await workspace.exec(.shell("echo still here"))
            #expect(after.stdout.text == "still here\n")
        }
    }

    @Test func `Arguments longer than a packet arrive`() async throws {
        try await Shared.withWorkspace { workspace in
            let words = Array(repeating: String(repeating: "y", count: 1000), count: 500)
            let result = try await workspace.exec(ExecRequest(argv: ["sh", "-c", "echo $#", "sh"] + words))
            #expect(result.stdout.text == "500\n")
        }
    }

    @Test func `A hundred commands at once do not mix`() async throws {
        try await Shared.withWorkspace { workspace in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<100 {
                    group.addTask {
                        let result = try await workspace.exec(.shell("echo \(index); exit \(index)"))
                        return result.stdout.text == "\(index)\n" && result.exitCode == index
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    // MARK: Ends

    @Test func `A timeout kills the whole tree and keeps what was written`() async throws {
        try await Shared.withWorkspace { workspace in
            let marker = "9\(getpid())1"
            let command = """
                echo begun
                trap '' TERM HUP INT
                (setsid sh -c 'trap "" TERM; sleep \(marker)' >/dev/null 2>&1 &)
                sh -c 'kill -STOP $$; sleep \(marker)' &
                sleep \(marker)
                """
            let result = try await workspace.exec(.shell(command, timeout: .milliseconds(500)))
            #expect(result.endedBy == .timeout)
            #expect(result.signal == Int(SIGKILL))
            #expect(result.stdout.text == "begun\n")
            #expect(result.killLatency != nil)
            let left = try await workspace.exec(.shell("ps ax | grep '[s]leep \(marker)' | wc -l"))
            #expect(left.stdout.text == "0\n")
            #expect(hostProcesses(withCommand: "sleep\0\(marker)").isEmpty)
        }
    }

    @Test func `A timeout spares what another command started`() async throws {
        try await Shared.withWorkspace { workspace in
            let first = try await workspace.exec(.shell("sleep 1000 > /dev/null 2>&1 & echo $!"))
            #expect(first.leftRunning.count == 1)
            let second = try await workspace.exec(.shell("sleep 1000", timeout: .milliseconds(200)))
            #expect(second.endedBy == .timeout)
            let pid = first.stdout.text.filter(\.isNumber)
            #expect(try await workspace.exec(.shell("kill -0 \(pid) && echo alive")).stdout.text == "alive\n")
        }
    }

    @Test func `A fork bomb ends at its deadline`() async throws {
        try await Shared.withWorkspace { workspace in
            let result = try await workspace.exec(
                .shell("b() { b | b & b; }; b", timeout: .seconds(1)))
            #expect(result.endedBy == .timeout || result.exitCode != nil)
            let after = try await workspace.exec(.shell("echo fine", timeout: .seconds(20)))
            #expect(after.stdout.text == "fine\n")
        }
    }

    @Test func `A child in the background neither delays the return nor loses output`() async throws {
        try await Shared.withWorkspace { workspace in
            let clock = ContinuousClock()
            let start = clock.now
            let result = try await workspace.exec(.shell("sleep 1000 & echo ok"))
            #expect(clock.now - start < .seconds(100), "it waited for the child")
            #expect(result.stdout.text == "ok\n")
            #expect(result.exitCode == 0)
            #expect(result.leftRunning.count == 1)
        }
    }

    @Test func `Silence ends a command, noise keeps it`() async throws {
        try await Shared.withWorkspace { workspace in
            var silent = ExecRequest.shell("echo hello; sleep 1000")
            silent.silenceTimeout = .milliseconds(300)
            let result = try await workspace.exec(silent)
            #expect(result.endedBy == .silence)
            #expect(result.stdout.text == "hello\n")
            var noisy = ExecRequest.shell("for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done")
            noisy.silenceTimeout = .seconds(30)
            #expect(try await workspace.exec(noisy).endedBy == .exit)
        }
    }

    @Test func `Cancelling the task kills the command`() async throws {
        try await Shared.withWorkspace { workspace in
            let task = Task { try await workspace.exec(.shell("sleep 1000")) }
            try await Task.sleep(for: .milliseconds(100))
            task.cancel()
            let result = try await task.value
            #expect(result.endedBy == .cancelled)
        }
    }

    // MARK: Output

    @Test func `Much output is counted in full and kept at both ends`() async throws {
        try await Shared.withWorkspace { workspace in
            var request = ExecRequest.shell("seq 1 2000000")
            request.outputLimit = 1000
            let result = try await workspace.exec(request)
            #expect(result.stdout.totalBytes == 14_888_896)
            #expect(result.stdout.truncated)
            #expect(result.stdout.head.count == 500 && result.stdout.tail.count == 500)
            #expect(result.stdout.head.starts(with: Array("1\n2\n3\n".utf8)))
            #expect(String(decoding: result.stdout.tail, as: UTF8.self).hasSuffix("1999999\n2000000\n"))
        }
    }

    @Test func `Output is bytes`() async throws {
        let result = try await Shared.run("head -c 300000 /dev/zero; printf '\\377\\376'; printf '\\000' >&2")
        #expect(result.stdout.bytes.count == 300_002)
        #expect(result.stdout.bytes.suffix(3) == [0, 0xFF, 0xFE])
        #expect(result.stderr.bytes == [0])
    }

    @Test(arguments: [0, 1, 2, 7, 64, 1000])
    func `The output buffer keeps the first and the last bytes`(limit: Int) {
        for total in [0, 1, limit / 2, limit, limit + 1, limit * 3 + 5] {
            let bytes = (0..<total).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            var buffer = OutputBuffer(limit: limit)
            for start in stride(from: 0, to: total, by: 3) {
                bytes[start..<min(total, start + 3)].withUnsafeBytes { buffer.append($0) }
            }
            let output = buffer.output
            #expect(output.totalBytes == total)
            #expect(output.truncated == (total > limit))
            #expect(output.head == Array(bytes.prefix(output.head.count)))
            if output.truncated {
                #expect(output.head.count + output.tail.count == limit)
                #expect(output.tail == Array(bytes.suffix(output.tail.count)))
            } else {
                #expect(output.bytes == bytes)
            }
        }
    }

    // MARK: Refusals

    @Test func `A refused system call becomes a fact of the result`() async throws {
        let result = try await Shared.run("mount -t tmpfs none /tmp; unshare -r true; unshare -r true; true")
        #expect(
            result.denials == [
                Denial(syscall: "mount", count: 1),
                Denial(syscall: "unshare", count: 2, arguments: [0x1000_0000 /* CLONE_NEWUSER */]),
            ])
        #expect(result.exitCode == 0)
    }
}
