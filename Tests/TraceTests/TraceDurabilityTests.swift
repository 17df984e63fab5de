import Basics
import Glibc
import JSON
import TestSupport
import Testing
import Trace

@Suite struct TraceDurabilityTests {
    @Test func `a writer killed with SIGKILL leaves everything up to its last checkpoint`() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let writer = try TraceWriter(id: "t1", in: path, store: ContentStore(directory: path + "/blobs"))
            try writer.append(
                .start(
                    trajectory: "t1", seed: 1, ise: "0", isolation: [:], policy: "sha256:00", probe: nil, settings: [:])
            )
            try writer.append(.log("info", "before the call", source: "test"))
            try writer.append(.toolCall(id: "a", tool: "exec", arguments: ["command": "reboot"], turn: 1))
            try writer.append(.log("info", "still in the buffer", source: "test"))
            kill(getpid(), SIGKILL)
        }
        let (found, tail) = try records(of: directory.file("t1.jsonl.part"))
        #expect(found.map(\.type) == ["start", "log", "tool_call"])
        #expect(tail == .unfinished)
        let verification = try TraceVerifier(store: nil).verify(directory.file("t1.jsonl.part"))
        #expect(verification.problems.map(\.kind) == [.missingEnd])
        // The lock went with the process: the trajectory can be run again.
        let again = try TraceWriter(
            id: "t1", in: path, store: ContentStore(directory: path + "/blobs"), existing: .replace)
        #expect(try await again.finish(outcome: "completed").events == 1)
    }

    @Test func `a trace cut at any byte gives back every whole event`() async throws {
        let bench = try TraceBench()
        let receipt = try await bench.finishedTrace()
        let bytes = try readFile(receipt.path)
        let whole = try records(of: receipt.path).records
        var random = SplitMix(seed: 2)
        for length in (0..<bytes.count).shuffled(using: &random).prefix(300) {
            let cut = Array(bytes[..<length])
            try bench.directory.write("cut.jsonl.part", cut)
            let (found, tail) = try records(of: bench.directory.file("cut.jsonl.part"))
            let newlines = cut.count { $0 == UInt8(ascii: "\n") }
            let torn = cut.count - (cut.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0)
            #expect(found == Array(whole.prefix(newlines)))
            #expect(tail == (torn > 0 ? .torn(bytes: torn) : .unfinished))
        }
    }

    @Test func `blocks of zeros after a power loss are a torn tail too`() async throws {
        let bench = try TraceBench()
        let receipt = try await bench.finishedTrace()
        let bytes = try readFile(receipt.path)
        try bench.directory.write("zeros.jsonl.part", bytes.dropLast(700) + [UInt8](repeating: 0, count: 512))
        let (found, tail) = try records(of: bench.directory.file("zeros.jsonl.part"))
        #expect(found.count < receipt.events)
        guard case .torn = tail else { return #expect(tail == .torn(bytes: 0)) }
    }

    @Test func `a broken line in the middle is an error that names it`() async throws {
        let bench = try TraceBench()
        let receipt = try await bench.finishedTrace()
        var bytes = try readFile(receipt.path)
        let second = try #require(bytes.firstIndex(of: UInt8(ascii: "\n"))) + 1
        bytes[second] = UInt8(ascii: "x")
        try writeFile(receipt.path, bytes)
        let error = #expect(throws: TraceError.self) { try records(of: receipt.path) }
        #expect(error?.code == .corrupt)
        #expect(error?.description.contains("line 2") == true)
    }

    /// The limit on a file's size stands in for a full disk: it needs no privileges, but a process of its own.
    @Test func `a full disk is an error that says so, and memory stays bounded`() async throws {
        let directory = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [path = directory.path as String] in
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 4096, rlim_max: 4096)
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            let writer = try TraceWriter(id: "t1", in: path, store: ContentStore(directory: path + "/blobs"))
            let error = #expect(throws: TraceError.self) {
                try writer.append(.userTurn(String(repeating: "x", count: 8192), turn: 1))
            }
            #expect(error?.code == .noSpace)
            #expect(error?.path == path + "/t1.jsonl.part")
            for _ in 0..<100 {
                _ = try? writer.append(.log("info", String(repeating: "x", count: 8192), source: "test"))
            }
            #expect(writer.eventCount < 20)
            await #expect(throws: TraceError.self) { try await writer.finish(outcome: "completed") }
        }
        #expect(directory.files() == ["t1.jsonl.part"])
    }

    @Test(.enabled(if: canMount), arguments: ["size=64k", "size=16m,ro"])
    func `a small or read-only file system is reported`(options: String) async throws {
        let bench = try TraceBench()
        let mountPoint = bench.directory.file("mnt")
        mkdir(mountPoint, 0o755)
        #expect(runCommand(["mount", "-t", "tmpfs", "-o", options, "tmpfs", mountPoint]) == 0)
        defer { #expect(runCommand(["umount", mountPoint]) == 0) }
        let store = ContentStore(directory: mountPoint + "/blobs")
        guard !options.hasSuffix("ro") else {
            let error = #expect(throws: TraceError.self) { try TraceWriter(id: "t1", in: mountPoint, store: store) }
            #expect(error?.code == .readOnly)
            return
        }
        let filler = mountPoint + "/filler"
        let writer = try TraceWriter(id: "t1", in: mountPoint, store: store)
        try writer.append(.userTurn("before the disk is full", turn: 1))
        #expect(throws: SystemError.self) { try writeFile(filler, [UInt8](repeating: 1, count: 128 << 10)) }
        let call = TraceEvent.userTurn(String(repeating: "y", count: 9000), turn: 2)
        let error = #expect(throws: TraceError.self) { try writer.append(call) }
        #expect(error?.code == .noSpace)
        let blob = #expect(throws: TraceError.self) { try store.put(Array("more".utf8)) }
        #expect(blob?.code == .noSpace)
        // Once there is room, nothing has been lost.
        unlink(filler)
        let receipt = try await writer.finish(outcome: "completed")
        #expect(receipt.events == 3)
        #expect(try TraceVerifier(store: store).verify(receipt.path).isIntact)
    }

    @Test(.enabled(if: geteuid() != 0, "root writes everywhere"))
    func `a directory that may not be written is reported`() throws {
        let directory = try TemporaryDirectory()
        chmod(directory.path, 0o555)
        defer { chmod(directory.path, 0o755) }
        let store = ContentStore(directory: directory.file("blobs"))
        let error = #expect(throws: TraceError.self) { try TraceWriter(id: "t1", in: directory.path, store: store) }
        #expect(error?.code == .permission)
        #expect(throws: TraceError.self) { try store.put([1]) }
    }

    @Test func `a file where the output directory should be is reported`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("out", [])
        let error = #expect(throws: TraceError.self) {
            try TraceWriter(
                id: "t1", in: directory.file("out/run"), store: ContentStore(directory: directory.file("blobs")))
        }
        #expect(error?.code == .notFound)
        #expect(error?.path.hasPrefix(directory.path) == true)
    }
}

/// Whether this process may mount a file system: root, and not in a container that forbids it.
private let canMount: Bool = {
    guard geteuid() == 0, let directory = try? TemporaryDirectory() else { return false }
    guard runCommand(["mount", "-t", "tmpfs", "tmpfs", directory.path]) == 0 else { return false }
    return runCommand(["umount", directory.path]) == 0
}()
