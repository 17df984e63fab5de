import Glibc
import Testing

@testable import Workspaces

/// Memory, disk, descriptors, output.
@Suite(.serialized) struct D6Memory {
    static let kinds = ["heap", "memfd", "tmp", "shm", "pipes", "sockets", "page-tables", "names", "sysv"]

    /// Every kind of memory is charged to the workspace: the bomb does not reach what it aims at, whoever dies of it.
    @Test(.attack(76), arguments: kinds)
    func `D76 A memory bomb stays within the limit`(kind: String) async throws {
        var policy = Policy()
        policy.limits.memoryBytes = 48 << 20
        policy.limits.diskBytes = 256 << 20
        let workspace = try await Target.host.open(policy)
        defer { Task { await workspace.close() } }
        guard workspace.isolation.enforces(.memory) else {
            #expect(!workspace.isolation.cgroupControllers.contains("memory") && workspace.isolation.level == "partial")
            if kind != "heap" {
                try skip(
                    "no memory controller: what is not a process's own heap is not bounded, and the report says so")
            }
            #expect(try await workspace.probe("memory-bomb", kind, "96")["heap"] == "ENOMEM")
            return
        }
        let group = hostEntries("/sys/fs/cgroup/memory").first { $0.hasPrefix("ise-\(getpid())-") }
        #expect(group != nil || workspace.isolation.cgroupControllers.contains("v2"))
        let result: Result<Seen, any Error>
        do { result = .success(try await workspace.probe(["memory-bomb", kind, "96"], timeout: .seconds(30))) } catch {
            result = .failure(error)
        }
        switch result {
        case .success(let seen):
            // Names that nobody has are dropped again under pressure.
            if kind != "names" {
                let reached = (seen.number("bytes") ?? seen.number("pipes") ?? seen.number("sockets") ?? 0) >= 96 << 20
                #expect(seen.result.signal == Int(SIGKILL) || !reached, "\(seen.values)")
            }
        case .failure(let error):
            // What nobody's process owns (files) cannot be freed by a kill: then the init may be the only one left to kill.
            #expect((error as? WorkspaceError)?.code == .closed, "\(error)")
        }
        #expect(try await Target.shell("echo others").stdout.text == "others\n")
    }

    @Test(.attack(77), arguments: [".", "/tmp", "/dev/shm", "/var/tmp"])
    func `D77 A disk filler meets the workspace's own end of space`(place: String) async throws {
        var policy = Policy()
        policy.limits.diskBytes = 6 << 20
        try await Target.withWorkspace(policy) { workspace in
            let fill = try await workspace.exec(
                .shell("dd if=/dev/zero of=\(place)/big bs=64k 2>&1 | grep -c 'No space'; stat -c %s \(place)/big"))
            let lines = fill.stdout.text.split(separator: "\n")
            #expect(
                lines.first == "1" && lines.last.flatMap { Int($0) }.map { $0 <= 6 << 20 } == true,
                "\(fill.stdout.text)")
            let reserve = try await workspace.exec(
                .shell("rm \(place)/big; fallocate -l 64M \(place)/big 2>&1 | grep -c 'No space'; rm -f \(place)/big"))
            #expect(reserve.stdout.text == "1\n")
            try await workspace.write("\(place)/small", [1])
        }
    }

    @Test(.attack(78)) func `D78 Files, directories, links and attributes are bounded`() async throws {
        var policy = Policy()
        policy.limits.inodes = 300
        policy.limits.diskBytes = 8 << 20
        try await Target.withWorkspace(policy) { workspace in
            let script = """
                import errno, os
                def until(step):
                    n = 0
                    try:
                        while n < 100000: step(n); n += 1
                    except OSError as e: return errno.errorcode[e.errno]
                    return 'never'
                def attribute(n): os.setxattr('a%d' % (n // 4), 'user.x%d' % n, b'v' * 30000)
                print(until(lambda n: open('f%d' % n, 'w').close()))
                for f in os.listdir('.'): os.unlink(f)
                print(until(lambda n: os.mkdir('d%d' % n)))
                for f in os.listdir('.'): os.rmdir(f)
                open('l', 'w').close(); print(until(lambda n: os.link('l', 'l%d' % n)))
                for f in os.listdir('.'): os.unlink(f)
                for i in range(100): open('a%d' % i, 'w').close()
                print(until(attribute))
                """
            let seen = try await workspace.exec(ExecRequest(argv: ["python3", "-c", script]))
            let lines = seen.stdout.text.split(separator: "\n")
            let ends = ["ENOSPC", "EMLINK", "E2BIG", "EDQUOT"]
            // Where a tmpfs has no attributes, none can be written.
            let attributes = workspace.isolation.opaqueDirectories ? ends : ["EOPNOTSUPP"]
            #expect(
                lines.count == 4 && lines.dropLast().allSatisfy { ends.contains(String($0)) }
                    && attributes.contains(lines.last.map(String.init) ?? ""),
                "\(seen.stdout.text)\(seen.stderr.text)")
        }
    }

    @Test(.attack(79)) func `D79 What the machine has only so many of is bounded`() async throws {
        try await Target.withWorkspace { workspace in
            let seen = try await workspace.probe("exhaust", "eventfds")
            #expect(seen["eventfds_end"] == "EMFILE" && seen.number("eventfds").map { $0 < 1024 } == true)
            let files = try await workspace.probe("exhaust", "descriptors")
            #expect(files["descriptors_end"] == "EMFILE" && files.number("descriptors").map { $0 < 1024 } == true)
            let terminals = try await workspace.probe("exhaust", "ptys")
            #expect(terminals.number("ptys").map { $0 <= 64 } == true, "\(terminals.values)")
            let contexts = try await workspace.probe("exhaust", "aio")
            #expect(contexts["aio_end"] == "ENOSYS" && contexts.number("aio") == 0)
            #expect(try await workspace.exec(.shell("ulimit -n")).stdout.text == "1024\n")
        }
        #expect(Glibc.open("/dev/null", O_RDONLY) >= 0)
    }

    @Test(.attack(81)) func `D81 Floods of output are drained, counted and cut`() async throws {
        try await Target.withWorkspace { workspace in
            func run(_ command: String, limit: Int = 1000) async throws -> ExecResult {
                var request = ExecRequest.shell(command)
                request.outputLimit = limit
                return try await workspace.exec(request)
            }
            let yes = try await run("yes | head -c 30000000")
            #expect(yes.stdout.totalBytes == 30_000_000 && yes.stdout.bytes.count == 1000 && yes.stdout.truncated)
            let zeros = try await run("head -c 20000000 /dev/zero; yes e | head -c 20000000 >&2")
            #expect(zeros.stdout.totalBytes == 20_000_000 && zeros.stderr.totalBytes == 20_000_000)
            #expect(zeros.stdout.bytes.allSatisfy { $0 == 0 } && zeros.stderr.bytes.count == 1000)
            // Two bytes a letter: the cut falls into one, and the text says so instead of breaking.
            let cut = try await run("for i in $(seq 1 2000); do printf '\\303\\244'; done", limit: 7)
            #expect(cut.stdout.bytes.count == 7 && cut.stdout.text.contains("left out"))
            let escapes = try await run("printf '\\033]0;title\\007\\033[2J'")
            #expect(escapes.stdout.bytes == Array("\u{1B}]0;title\u{7}\u{1B}[2J".utf8))
            let endless = try await workspace.exec(.shell("yes", timeout: .milliseconds(500)))
            #expect(endless.endedBy == .timeout && endless.stdout.bytes.count <= 10 << 20)
        }
    }

    @Test(.attack(82)) func `D82 Games with standard input end`() async throws {
        try await Target.withWorkspace { workspace in
            #expect(
                try await workspace.exec(.shell("cat; [ -t 0 ] || echo no terminal")).stdout.text == "no terminal\n")
            let big = [UInt8](repeating: 1, count: 4 << 20)
            for command in ["exec 0<&-; sleep 0; echo closed", "head -c 1 > /dev/null; echo closed", "echo closed"] {
                let result = try await within(.seconds(60)) {
                    try await workspace.exec(ExecRequest(argv: ["sh", "-c", command], stdin: big)).stdout.text
                }
                #expect(result == "closed\n", "\(command)")
            }
            // It may open its own pipes anew, and read what it has written itself: no one else's.
            let own = try await workspace.exec(.shell("echo a > /dev/stdout; echo b > /dev/stderr; cat /dev/stdin"))
            #expect(own.stdout.text == "a\n" && own.stderr.text == "b\n")
        }
    }
}
