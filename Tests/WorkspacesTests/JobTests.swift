import Glibc
import Testing

@testable import Workspaces

@Suite struct JobTests {
    @Test func `A job runs on and is polled, written to and waited for`() async throws {
        try await Shared.withWorkspace { workspace in
            var request = ExecRequest(argv: ["sh", "-c", "while read line; do echo \"got $line\"; done; echo over"])
            request.keepsInput = true
            let job = try await workspace.start(request)
            #expect(job.isRunning)
            #expect(workspace.jobs.map(\.id) == [job.id])
            job.write(Array("one\n".utf8))
            #expect(try await eventually { job.stdout.text == "got one\n" })
            job.write(Array("two\n".utf8))
            job.finishInput()
            let result = try await job.wait()
            #expect(result.stdout.text == "got one\ngot two\nover\n")
            #expect(!job.isRunning)
            #expect(job.write([1]) == false)
            workspace.forget(job)
            #expect(workspace.jobs.isEmpty)
        }
    }

    @Test func `Waiting for a while does not end a job`() async throws {
        try await Shared.withWorkspace { workspace in
            let job = try await workspace.start(.shell("echo here; sleep 1000"))
            #expect(try await job.wait(atMost: .milliseconds(50)) == nil)
            #expect(job.isRunning)
            job.kill()
            let result = try await job.wait()
            #expect(result.endedBy == .cancelled && result.stdout.text == "here\n")
        }
    }

    @Test func `A command that is waited for patiently dies with its task, and has all facts of a result`() async throws
    {
        try await Shared.withWorkspace { workspace in
            let waiting = Task {
                try await workspace.exec(.shell("touch begun; sleep 1000"), patience: .seconds(600))
            }
            var begun: FileStatus?
            while begun == nil { begun = try await workspace.stat("begun") }
            waiting.cancel()
            guard case .finished(let result) = try await waiting.value else {
                Issue.record("it runs on")
                return
            }
            #expect(result.endedBy == .cancelled)
            #expect(workspace.jobs.isEmpty)
        }
        var policy = Policy()
        policy.changeTracking = .metadata
        try await Shared.withWorkspace(policy) { workspace in
            try await workspace.write("own.txt", [1])
            guard
                case .finished(let result) = try await workspace.exec(
                    .shell("echo x > made.txt"), patience: .seconds(30))
            else {
                Issue.record("it runs on")
                return
            }
            #expect(result.changes?.map(\.path) == ["/home/user/made.txt"])
        }
    }

    @Test func `A long command becomes a job, a short one does not`() async throws {
        try await Shared.withWorkspace { workspace in
            guard case .finished(let short) = try await workspace.exec(.shell("echo short"), patience: .seconds(30))
            else {
                Issue.record("it did not finish")
                return
            }
            #expect(short.stdout.text == "short\n")
            #expect(workspace.jobs.isEmpty)
            guard case .running(let job) = try await workspace.exec(.shell("sleep 1000"), patience: .milliseconds(50))
            else {
                Issue.record("it did not go on")
                return
            }
            #expect(job.isRunning)
            job.kill()
            _ = try await job.wait()
        }
    }

    @Test func `A signal reaches the whole tree`() async throws {
        try await Shared.withWorkspace { workspace in
            let job = try await workspace.start(
                .shell("trap 'echo caught; exit 3' USR1; echo ready; while :; do sleep 0.05; done"))
            #expect(try await eventually { job.stdout.text == "ready\n" })
            job.signal(SIGUSR1)
            let result = try await job.wait()
            #expect(result.exitCode != 0 || result.signal != nil)
        }
    }

    @Test func `What a child writes after the end is not lost`() async throws {
        try await Shared.withWorkspace { workspace in
            let job = try await workspace.start(.shell("mkfifo f; (cat f; echo late) & echo early"))
            let result = try await job.wait()
            #expect(result.stdout.text == "early\n")
            #expect(!result.leftRunning.isEmpty)
            _ = try await workspace.exec(.shell("true > f"))
            #expect(try await eventually { job.stdout.text == "early\nlate\n" })
        }
    }

    @Test func `A terminal is one, with a size, control characters and line discipline`() async throws {
        try await Shared.withWorkspace { workspace in
            var request = ExecRequest(argv: ["bash", "--norc", "-i"], environment: ["PS1": "> "])
            request.terminal = TerminalSize(rows: 33, columns: 101)
            let job = try await workspace.start(request)
            job.write(Array("tty; stty size; test -t 0 && echo interactive\n".utf8))
            #expect(try await eventually { job.stdout.text.contains("33 101\r\ninteractive\r\n") })
            #expect(job.stdout.text.contains("/dev/pts/"))
            job.resize(TerminalSize(rows: 10, columns: 20))
            job.write(Array("stty size\n".utf8))
            #expect(try await eventually { job.stdout.text.contains("10 20") })
            job.write(Array("sleep 1000; echo slept\n".utf8))
            try await Task.sleep(for: .milliseconds(200))
            job.write([0x03])  // interrupt
            job.write(Array("echo still $((40 + 2))\n".utf8))
            #expect(try await eventually { job.stdout.text.contains("still 42") })
            job.finishInput()
            let result = try await job.wait()
            #expect(result.endedBy == .exit)
        }
    }

    @Test func `Limits of a command end it and say so`() async throws {
        try await Shared.withWorkspace { workspace in
            var spin = ExecRequest.shell("while :; do :; done")
            spin.limits.cpuSeconds = 1
            let spun = try await workspace.exec(spin)
            #expect(spun.endedBy == .cpuLimit)
            var write = ExecRequest(argv: ["dd", "if=/dev/zero", "of=big", "bs=1M", "count=10"])
            write.limits.fileBytes = 1 << 20
            let written = try await workspace.exec(write)
            #expect(written.endedBy == .fileSizeLimit)
            var open = ExecRequest.shell("ulimit -n")
            open.limits.openFiles = 20
            let opened = try await workspace.exec(open)
            #expect(opened.stdout.text == "20\n")
        }
    }
}
