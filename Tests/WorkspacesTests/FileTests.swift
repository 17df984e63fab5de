import Testing

@testable import Workspaces

@Suite struct FileTests {
    private func code(_ body: () async throws(WorkspaceError) -> Void) async -> WorkspaceError.Code? {
        do throws(WorkspaceError) {
            try await body()
            return nil
        } catch { return error.code }
    }

    @Test func `Bytes come back as they were written`() async throws {
        try await Shared.withWorkspace { workspace in
            let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
            try await workspace.write("deep/er/data.bin", bytes)
            #expect(try await workspace.read("deep/er/data.bin") == bytes)
            #expect(try await workspace.read("deep/er/data.bin", offset: 10, limit: 5) == Array(bytes[10..<15]))
            #expect(try await workspace.read("deep/er/data.bin", offset: 5_000_000) == [])
            try await workspace.write("deep/er/data.bin", [1, 2])
            try await workspace.write("deep/er/data.bin", [3], append: true)
            #expect(try await workspace.read("/home/user/deep/er/data.bin") == [1, 2, 3])
        }
    }

    @Test func `Files belong to the user and have the mode that was asked for`() async throws {
        try await Shared.withWorkspace { workspace in
            try await workspace.write("run.sh", Array("#!/bin/sh\necho ran\n".utf8), mode: 0o755)
            let result = try await workspace.exec(.shell("stat -c '%U %a' run.sh; ./run.sh"))
            #expect(result.stdout.text == "user 755\nran\n")
            #expect(try await workspace.stat("run.sh")?.mode == 0o755)
        }
    }

    @Test func `A listing is sorted, tells kinds and sizes, and says when it is cut`() async throws {
        try await Shared.withWorkspace { workspace in
            try await workspace.write("b/two", [1, 2])
            try await workspace.write("a", [1])
            try await workspace.makeDirectory("c/d")
            _ = try await workspace.exec(.shell("ln -s /etc/passwd link; mkfifo pipe"))
            let flat = try await workspace.list(".")
            #expect(flat.entries.map(\.path) == ["a", "b", "c", "link", "pipe"])
            #expect(flat.entries.map(\.status.kind) == [.file, .directory, .directory, .link, .other])
            let all = try await workspace.list("/home/user", recursive: true)
            #expect(all.entries.map(\.path) == ["a", "b", "b/two", "c", "c/d", "link", "pipe"])
            #expect(!all.truncated)
            #expect(try await workspace.list(".", recursive: true, limit: 3).truncated)
        }
    }

    @Test func `Missing, wrong and forbidden paths are told apart`() async throws {
        try await Shared.withWorkspace { workspace in
            try await workspace.write("file", [1])
            try await workspace.makeDirectory("directory/full")
            #expect(await code { () throws(WorkspaceError) in _ = try await workspace.read("nothing") } == .notFound)
            #expect(
                await code { () throws(WorkspaceError) in _ = try await workspace.read("directory") } == .isDirectory)
            #expect(
                await code { () throws(WorkspaceError) in _ = try await workspace.read("file/below") } == .notDirectory)
            #expect(await code { () throws(WorkspaceError) in _ = try await workspace.read("") } == .invalidPath)
            #expect(await code { () throws(WorkspaceError) in _ = try await workspace.read("a\0b") } == .invalidPath)
            #expect(
                await code { () throws(WorkspaceError) in
                    _ = try await workspace.read(String(repeating: "x", count: 5000))
                } == .tooBig)
            #expect(
                await code { () throws(WorkspaceError) in try await workspace.write("/usr/bin/evil", [1]) }
                    == .permission)
            #expect(await code { () throws(WorkspaceError) in try await workspace.remove("directory") } == .exists)
            #expect(await code { () throws(WorkspaceError) in try await workspace.remove("nothing") } == .notFound)
            try await workspace.remove("directory", recursive: true)
            #expect(try await workspace.stat("directory") == nil)
            #expect(try await workspace.stat("file/below") == nil)
        }
    }

    @Test func `A link cannot lead out of the workspace`() async throws {
        try await Shared.withWorkspace { workspace in
            _ = try await workspace.exec(
                .shell("ln -s /etc/hostname a; ln -s ../../../../../../etc/hostname b; ln -s / root; ln -s a c"))
            for path in ["a", "b", "c", "root/etc/hostname", "../../../../etc/hostname"] {
                #expect(try await workspace.read(path) == Array("workspace\n".utf8))
            }
        }
    }

    @Test func `What is no regular file is refused at once`() async throws {
        try await Shared.withWorkspace { workspace in
            _ = try await workspace.exec(.shell("mkfifo pipe; ln -s pipe link; ln -s /proc/self/fd/0 magic"))
            for path in ["pipe", "link", "/dev/zero", "/proc/self/environ", "/proc/1/environ", "magic"] {
                #expect(await code { () throws(WorkspaceError) in _ = try await workspace.read(path) } != nil)
            }
            #expect(await code { () throws(WorkspaceError) in try await workspace.write("pipe", [1]) } != nil)
        }
    }

    @Test func `A full disk and too many files are errors, and the workspace goes on`() async throws {
        var policy = Policy()
        policy.limits.diskBytes = 2 << 20
        policy.limits.inodes = 200
        try await Shared.withWorkspace(policy) { workspace in
            let much = [UInt8](repeating: 7, count: 5 << 20)
            #expect(await code { () throws(WorkspaceError) in try await workspace.write("much", much) } == .noSpace)
            try await workspace.remove("much")
            let filled = try await workspace.exec(.shell("for i in $(seq 1 500); do : > f$i || break; done"))
            #expect(filled.stderr.text.contains("No space left"))
            _ = try await workspace.exec(.shell("rm -f f*"))
            try await workspace.write("small", [1])
        }
    }

    @Test func `Names are bytes`() async throws {
        try await Shared.withWorkspace { workspace in
            let result = try await workspace.exec(
                .shell("printf x > \"$(printf 'new\\nline \\377')\"; touch -- -rf; ls | wc -c"))
            #expect(result.exitCode == 0)
            #expect(try await workspace.list(".").entries.map(\.path) == ["-rf", "new\nline \u{FFFD}"])
        }
    }
}
