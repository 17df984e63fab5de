import Glibc
import JSON
import TestSupport
import Testing

@testable import Workspaces

@Suite struct SandboxTransferTests {
    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    private func keep(
        _ script: String, limits: KeepLimits = KeepLimits(), _ before: (Workspace) async throws -> Void = { _ in }
    ) async throws -> KeptFiles {
        var policy = Policy()
        policy.changeTracking = .metadata
        mkdir(place.file("kept"), 0o755)
        return try await Shared.withWorkspace(policy) { workspace in
            try await before(workspace)
            _ = try await workspace.changes()
            let result = try await workspace.exec(.shell(script))
            #expect(result.exitCode == 0, "\(result.stderr.text)")
            return try await workspace.keep(result.changes ?? [], in: place.file("kept"), limits: limits)
        }
    }

    private func reasons(_ kept: KeptFiles) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: kept.leftOut.map { (String($0.path.dropFirst("/home/user/".count)), $0.reason) })
    }

    @Test func `Only plain files come out, as plain files`() async throws {
        let kept = try await keep(
            #"""
            ln -s /etc/shadow secret; ln -s /etc evil; mkfifo pipe; cp /bin/true tool; chmod 6777 tool
            mkdir -p d/e; echo n > "d/new
            line"; printf x > -rf; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")'
            printf x > "$(printf 'bad\377')"
            """#)
        #expect(kept.files.map(\.path) == ["/home/user/-rf", "/home/user/d/new\nline", "/home/user/tool"])
        #expect(kept.directories == ["/home/user/d", "/home/user/d/e"])
        let reasons = reasons(kept)
        #expect(reasons["secret"] == "a symbolic link" && reasons["evil"] == "a symbolic link")
        #expect(reasons["pipe"] == "neither a file nor a directory" && reasons["sock"] == reasons["pipe"])
        #expect(reasons["bad\u{FFFD}"] == "its name is not UTF-8")
        var status = stat()
        #expect(lstat(place.file("kept/home/user/tool"), &status) == 0 && status.st_mode == S_IFREG | 0o755)
        #expect(
            place.files().sorted() == [
                "kept/home/user/-rf", "kept/home/user/d/new\nline", "kept/home/user/tool", "kept/ise-kept.json",
            ])
        let manifest = try JSONValue(parsing: place.read("kept/ise-kept.json"))
        #expect(manifest == kept.json && manifest["left_out"]?.array?.count == 5)
    }

    @Test func `What its owner made unreadable is left out, but for root`() async throws {
        let kept = try await keep("echo x > closed; chmod 000 closed; mkdir shut; echo y > shut/y; chmod 000 shut")
        if geteuid() == 0 {
            #expect(kept.files.map(\.path) == ["/home/user/closed", "/home/user/shut/y"])
        } else {
            #expect(kept.files.isEmpty && reasons(kept)["closed"] == "could not be opened: Permission denied")
        }
    }

    @Test func `What changed is told apart from what was there`() async throws {
        let kept = try await keep("echo more >> a; rm b; echo own > /tmp/t") { workspace in
            for name in ["a", "b", "c"] { try await workspace.write(name, Array("given\n".utf8)) }
        }
        #expect(
            kept.files.map { "\($0.what) \($0.path) \($0.size)" } == ["changed /home/user/a 11", "created /tmp/t 4"])
        #expect(kept.deleted == ["/home/user/b"])
        #expect(hostFile(place.file("kept/home/user/a")) == "given\nmore\n")
    }

    @Test func `Bounds hold, also against files full of holes`() async throws {
        var limits = KeepLimits()
        limits.bytes = 1000
        limits.files = 3
        let kept = try await keep(
            "truncate -s 1T a; head -c 600 /dev/zero > b; head -c 600 /dev/zero > c; echo d > d; echo e > e; echo f > f",
            limits: limits)
        #expect(kept.files.map(\.path) == ["/home/user/b", "/home/user/d", "/home/user/e"])
        #expect(reasons(kept)["a"]?.contains("of the limit of 1000 are left") == true)
        #expect(reasons(kept)["c"] == "has 600 bytes; 400 of the limit of 1000 are left")
        #expect(reasons(kept)["f"] == "the limit of 3 files is reached")
    }

    @Test func `The list's own name is not taken over`() async throws {
        var policy = Policy()
        policy.changeTracking = .metadata
        policy.identity = .root
        mkdir(place.file("kept"), 0o755)
        let kept = try await Shared.withWorkspace(policy) { workspace in
            let result = try await workspace.exec(.shell("echo fake > /ise-kept.json; echo x > /srv/x"))
            return try await workspace.keep(result.changes ?? [], in: place.file("kept"))
        }
        #expect(kept.leftOut.map(\.path) == ["/ise-kept.json"])
        #expect(kept.files.map(\.path) == ["/srv/x"])
        #expect(try JSONValue(parsing: place.read("kept/ise-kept.json"))["version"] == 1)
    }

    /// While the tree is copied, something that was left running swaps directories for links to the host's files.
    @Test func `A tree that changes while it is copied leads nowhere`() async throws {
        var policy = Policy()
        policy.changeTracking = .metadata
        for round in 0..<5 {
            let target = place.file("kept\(round)")
            mkdir(target, 0o755)
            try await Shared.withWorkspace(policy) { workspace in
                let result = try await workspace.exec(
                    .shell(
                        """
                        mkdir d o; for i in $(seq 300); do echo inside > d/passwd$i; done; cp -r d/. o; echo inside > d/passwd
                        (while :; do mv d x; ln -s /etc d; rm d; mv x d; done) > /dev/null 2>&1 &
                        """))
                _ = try? await workspace.keep(result.changes ?? [], in: target)
            }
            for file in place.files() where file.hasPrefix("kept\(round)/home") {
                #expect(hostFile(place.file(file)) == "inside\n")
            }
        }
    }

    @Test func `A directory comes in whole, without what leads out of it`() async throws {
        let source = place.file("source")
        for directory in ["", "/sub", "/sub/empty"] { mkdir(source + directory, 0o755) }
        try place.write("source/run.sh", Array("#!/bin/sh\necho ran\n".utf8))
        chmod(source + "/run.sh", 0o750)
        try place.write("source/empty", [])
        let large = [UInt8]((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        try place.write("source/sub/large", large)
        symlink("sub/large", source + "/within")
        symlink("../run.sh", source + "/sub/up")
        symlink("/etc/shadow", source + "/out")
        symlink("../source/run.sh", source + "/round")
        mkfifo(source + "/fifo", 0o644)
        try await Shared.withWorkspace { workspace in
            let copied = try await workspace.copyIn(source)
            #expect(copied.files == 3 && copied.bytes == 3_000_019)
            #expect(copied.leftOut.map(\.path).sorted() == ["fifo", "out", "round"])
            let result = try await workspace.exec(
                .shell("./run.sh; sub/up; stat -c '%a %s %U' run.sh empty; ls -d sub/empty; readlink within"))
            #expect(result.stdout.text == "ran\nran\n750 19 user\n644 0 user\nsub/empty\nsub/large\n")
            #expect(try await workspace.read("within") == large)
        }
    }

    @Test func `A directory that is not there is named`() async throws {
        try await Shared.withWorkspace { workspace in
            _ = await #expect(throws: WorkspaceError.self) { try await workspace.copyIn("/no/such/place") }
        }
    }
}
