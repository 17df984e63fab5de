import Glibc
import Hashing
import Testing

@testable import Workspaces

/// What the host itself does with files of a workspace: reads, writes, lists, looks for changes.
@Suite(.serialized) struct D2Copier {
    @Test(.attack(25)) func `D25 Links to files of the host lead to the workspace's own`() async throws {
        try await withHostDirectory { directory in
            let mark = directory + "/secret"
            writeHostFile(mark, Array("host secret".utf8))
            try await Target.withWorkspace { workspace in
                let made = try await workspace.exec(
                    .shell(
                        """
                        ln -s \(mark) absolute; ln -s ../../../../../..\(mark) relative; ln -s absolute chained; ln -s \(directory) dir
                        ln -s /proc/self/root\(mark) proc; ln -s /proc/1/root one; ln -s /etc/shadow shadow
                        """))
                #expect(made.exitCode == 0)
                for path in ["absolute", "relative", "chained", "dir/secret", "proc", "one\(mark)", "shadow"] {
                    #expect((try? await workspace.read(path)) == nil, "\(path)")
                    #expect(((try? await workspace.stat(path)) ?? nil)?.kind != .file, "\(path)")
                }
                // Written through, they make files inside.
                try await workspace.makeDirectory(directory)
                try await workspace.write("absolute", Array("inside".utf8))
                try? await workspace.remove("dir", recursive: true)
            }
            #expect(hostFile(mark) == "host secret")
        }
    }

    @Test(.attack(25)) func `D25 Links below proc do not lead to the init's own descriptors`() async throws {
        try await Target.withWorkspace { workspace in
            #expect(try await workspace.exec(.shell("ln -s /proc/self/fd fds; ln -s /proc/1/fd one")).exitCode == 0)
            let numbers = try await workspace.list("/proc/self/fd").entries.map(\.path)
            #expect(numbers.count > 3)
            for number in numbers {
                for base in ["/proc/self/fd", "/proc/1/fd", "fds", "one"] {
                    #expect((try? await workspace.makeDirectory("\(base)/\(number)/shm/evil")) == nil)
                    #expect((try? await workspace.write("\(base)/\(number)/shm/evil/file", [1])) == nil)
                    #expect((try? await workspace.stat("\(base)/\(number)/root")) ?? nil == nil)
                    #expect((try? await workspace.remove("\(base)/\(number)/shm", recursive: true)) == nil)
                    #expect((try? await workspace.list("\(base)/\(number)/")) == nil)
                }
            }
            #expect(try await workspace.exec(.shell("ls -A /dev/shm; ls -d /dev/shm")).stdout.text == "/dev/shm\n")
        }
    }

    private static let noSwap =
        "no extended attributes on tmpfs, so a directory cannot change places with a link (Linux 6.6)"

    @Test(.attack(26)) func `D26 A directory that becomes a link under the reader never leads out`() async throws {
        try await withHostDirectory { directory in
            writeHostFile(directory + "/file", Array("OUTSIDE".utf8))
            try await Target.withWorkspace { workspace in
                try await workspace.write("real/file", Array("within!".utf8))
                #expect(try await workspace.exec(.shell("ln -s \(directory) swapped")).exitCode == 0)
                guard workspace.isolation.opaqueDirectories else { try skip(Self.noSwap) }
                let swap = try await workspace.probe("swap", "real", "swapped", "3")
                #expect(swap["swap"] == "ok")
                for _ in 0..<300 {
                    let bytes = (try? await workspace.read("real/file")) ?? []
                    #expect(bytes.isEmpty || bytes == Array("within!".utf8))
                    try? await workspace.write("real/new", [1])
                    _ = try? await workspace.list("real", recursive: true)
                    _ = try? await workspace.remove("real/new", recursive: true)
                }
            }
            #expect(hostEntries(directory) == ["file"] && hostFile(directory + "/file") == "OUTSIDE")
        }
    }

    @Test(.attack(26)) func `D26 The search for changes does not follow such a link either`() async throws {
        try await withHostDirectory { directory in
            let outside = Array("OUTSIDE".utf8)
            writeHostFile(directory + "/file", outside)
            var policy = Policy()
            policy.changeTracking = .content
            try await Target.withWorkspace(policy) { workspace in
                try await workspace.write("real/file", Array("within!".utf8))
                #expect(try await workspace.exec(.shell("ln -s \(directory) swapped")).exitCode == 0)
                guard workspace.isolation.opaqueDirectories else { try skip(Self.noSwap) }
                #expect(try await workspace.probe("swap", "real", "swapped", "3")["swap"] == "ok")
                let secret = ContentHash(of: outside)
                var seen = 0
                for _ in 0..<400 {
                    for change in try await workspace.changes() {
                        seen += 1
                        #expect(change.hash != secret, "\(change.path)")
                    }
                }
                #expect(seen > 0)
            }
        }
    }

    /// Members of a tar: name, kind ("f"ile, symbolic "l"ink, "h"ard link, "d"evice), and where it leads or what is in it.
    private static let hostileTars: [(members: String, isRefused: Bool)] = [
        ("('../pwned', 'f', 'x')", true), ("('/OUT/pwned', 'f', 'x')", true),
        ("('a/../../pwned', 'f', 'x')", true), ("('d', 'l', 'OUT'), ('d/pwned', 'f', 'x')", true),
        ("('h', 'h', '../../secret')", true), ("('d', 'l', 'OUT'), ('h', 'h', 'd/secret')", true),
        // A slash with a combining mark behind it is a slash.
        ("('../\\u0301pwned', 'f', 'x')", true), ("('a/../\\u0301pwned', 'f', 'x')", true),
        ("('../\\u0301d', 'l', 'OUT'), ('../\\u0301d/\\u0301pwned', 'f', 'x')", true),
        ("('../\\u200dd', 'l', 'OUT'), ('../\\u200dd/\\u200dpwned', 'f', 'x')", true),
        ("('disk', 'd', '')", false), ("('secret', 'l', 'OUT/secret'), ('secret', 'f', 'x')", false),
    ]

    @Test(.attack(27), arguments: hostileTars.indices) func `D27 Archives with names that lead out`(
        number: Int
    ) async throws {
        let make = """
            import io, sys, tarfile
            out = tarfile.open('/tmp/tar', 'w')
            for name, kind, what in [('bin/sh', 'f', '#!'), MEMBERS]:
                member = tarfile.TarInfo(name)
                member.type = {'f': tarfile.REGTYPE, 'l': tarfile.SYMTYPE, 'h': tarfile.LNKTYPE, 'd': tarfile.BLKTYPE}[kind]
                member.mode = 0o6755
                if kind == 'f': member.size = len(what)
                else: member.linkname = what
                out.addfile(member, io.BytesIO(what.encode()) if kind == 'f' else None)
            out.close()
            """
        let tar = Self.hostileTars[number]
        try await withHostDirectory { outside in
            writeHostFile(outside + "/secret", Array("host secret".utf8))
            let script = make.replacing("MEMBERS", with: tar.members).replacing("OUT", with: outside)
            let bytes = try await Target.withWorkspace { workspace in
                let made = try await workspace.exec(ExecRequest(argv: ["python3", "-c", script]))
                #expect(made.exitCode == 0, "\(made.stderr.text)")
                return try await workspace.read("/tmp/tar")
            }
            try await withHostDirectory { cache in
                writeHostFile(cache + "/root.tar", bytes)
                let root = try? await RootArchive.unpacked(cache + "/root.tar", cache: cache + "/roots")
                #expect((root == nil) == tar.isRefused)
                #expect(hostEntries(cache + "/roots").count == (tar.isRefused ? 0 : 1))
                var status = stat()
                for name in hostEntries(root ?? "") where lstat((root ?? "") + "/" + name, &status) == 0 {
                    #expect(
                        [S_IFDIR, S_IFREG, S_IFLNK].contains(status.st_mode & S_IFMT) && status.st_mode & 0o6000 == 0)
                }
                _ = await runOnHost("/bin/rm", ["-rf", cache + "/roots"])
            }
            #expect(hostEntries(outside) == ["secret"] && hostFile(outside + "/secret") == "host secret")
        }
    }

    @Test(.attack(28)) func `D28 What is no regular file never keeps the host waiting`() async throws {
        try await Target.withWorkspace { workspace in
            let made = try await workspace.exec(
                .shell(
                    "mkfifo pipe; ln -s pipe link; ln -s /dev/zero zero; ln -s /proc/self/fd/0 magic; ln -s /dev/tty tty; "
                        + "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('sock')\"; ls sock"))
            #expect(made.stdout.text == "sock\n")
            let paths = [
                "pipe", "link", "zero", "magic", "tty", "sock", "/dev/zero", "/dev/random", "/dev/ptmx", "/dev/tty",
                "/dev/full",
                "/proc/self/environ", "/proc/1/environ", "/proc/self/mem", "/proc/kpagecount", "/dev/stdin",
                "/proc/self/fd/1",
            ]
            for path in paths {
                let read = try await within(.seconds(20)) { (try? await workspace.read(path, limit: 16)) == nil }
                #expect(read == true, "\(path)")
                let written = try await within(.seconds(20)) { (try? await workspace.write(path, [1])) == nil }
                #expect(written == true, "\(path)")
            }
            let job = try await workspace.start(.shell("sleep 0"))
            _ = try await job.wait()
            try await workspace.installProbe()
            let lease = try await workspace.start(ExecRequest(argv: ["/tmp/probe", "lease", "leased", "30"]))
            #expect(try await eventually { lease.stdout.text.contains("lease=") })
            let opened = try await within(.seconds(20)) { (try? await workspace.read("leased")) ?? [9] }
            #expect(opened != nil, "the host waits for the lease to be given back")
        }
    }

    @Test(.attack(29)) func `D29 The init loads no library`() async throws {
        let image = InitImage.bytes
        #expect(image.starts(with: [0x7f, 0x45, 0x4c, 0x46]))
        let (offset, size, count) = image.withUnsafeBytes {
            (
                Int($0.loadUnaligned(fromByteOffset: 32, as: UInt64.self)),
                Int($0.loadUnaligned(fromByteOffset: 54, as: UInt16.self)),
                Int($0.loadUnaligned(fromByteOffset: 56, as: UInt16.self))
            )
        }
        let types = (0..<count).map { index in
            image.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset + index * size, as: UInt32.self) }
        }
        #expect(types.contains(1) && !types.contains(3), "it has an interpreter")
    }

    @Test(.attack(30)) func `D30 Names of every kind come and go unharmed`() async throws {
        let names = [
            String(repeating: "n", count: 255), "new\nline", "\u{1B}[31mred", "-rf", "--", "  ", "*", "$(reboot)",
            "`id`",
            "'\"", "\\", "\u{202E}gpj.exe", "é", "e\u{301}", "Case", "case", "…", "a:b", "%s%n", "~", ".hidden",
            "\u{7F}",
        ]
        try await Target.withWorkspace { workspace in
            for (index, name) in names.enumerated() { try await workspace.write("d/" + name, [UInt8(index)]) }
            for (index, name) in names.enumerated() {
                #expect(try await workspace.read("d/" + name) == [UInt8(index)], "\(name)")
            }
            // Swift's strings hold two of them to be equal; file systems don't.
            #expect(try await workspace.list("d").entries.map { Array($0.path.utf8) }.count == names.count)
            for name in names { try await workspace.remove("d/" + name) }
            #expect(try await workspace.list("d").entries.isEmpty)
            await #expect(throws: WorkspaceError.self) {
                try await workspace.write(String(repeating: "n", count: 256), [1])
            }
            // Names that are no UTF-8 are shown, marked; they don't break a listing.
            _ = try await workspace.exec(.shell("cd d; touch \"$(printf 'bad\\377')\" good"))
            #expect(try await workspace.list("d").entries.map(\.path) == ["bad\u{FFFD}", "good"])
        }
    }

    @Test(.attack(30)) func `D30 No name hides a file from the list of changes, or keeps others from being kept`()
        async throws
    {
        var policy = Policy()
        policy.changeTracking = .content
        try await Target.withWorkspace(policy) { workspace in
            let make = """
                import os
                os.makedirs('/home/user/d')
                for name in [b'caf\\xc3\\xa9', b'cafe\\xcc\\x81', b'\\xff', b'\\xfe', b'\\xef\\xbf\\xbd', b'd/\\xcc\\x81', b'z']:
                    open(b'/home/user/' + name, 'w').write('x')
                open(b'/dev/shm/\\xcc\\x81', 'w').write('x')
                """
            let result = try await workspace.exec(ExecRequest(argv: ["python3", "-c", make]))
            let files = (result.changes ?? []).filter { $0.kind == .file }
            #expect(files.count == 8 && files.allSatisfy { $0.what == .created && $0.hash != nil })
            try await withHostDirectory { directory in
                let kept = try await workspace.keep(result.changes ?? [], in: directory)
                #expect(Set(kept.files.map { Array($0.path.utf8) }).count == kept.files.count)
                #expect(kept.files.count + kept.leftOut.count == 8 && kept.leftOut.count == 2)
                for name in hostEntries(directory) { _ = await runOnHost("/bin/rm", ["-rf", directory + "/" + name]) }
            }
        }
    }

    @Test(.attack(30)) func `D30 A very deep tree ends in an error, not in the init's death`() async throws {
        try await Target.withWorkspace { (workspace: Workspace) async throws -> Void in
            let dig = "import os\nfor _ in range(3000):\n os.mkdir('d'); os.chdir('d')"
            #expect(try await workspace.exec(ExecRequest(argv: ["python3", "-c", dig])).exitCode == 0)
            #expect(try await workspace.list(".", recursive: true).truncated)
            _ = try? await workspace.remove("d", recursive: true)
            _ = try? await workspace.changes()
            #expect(try await workspace.exec(.shell("echo alive; rm -rf d; ls")).stdout.text == "alive\n")
        }
    }

    @Test(.attack(31)) func `D31 Endless files are not read to their end`() async throws {
        try await Target.withWorkspace { workspace in
            #expect(
                try await workspace.exec(
                    .shell(
                        "truncate -s 1T huge; truncate -s 7E larger; touch -d @99999999999 future; touch -d @-99999999999 past"
                    )
                ).exitCode == 0)
            for path in ["huge", "larger"] {
                do throws(WorkspaceError) {
                    let bytes = try await workspace.read(path)
                    Issue.record("\(bytes.count) bytes were read")
                } catch { #expect(error.code == .tooBig) }
            }
            #expect(try await workspace.read("huge", offset: 1 << 39, limit: 10).count == 10)
            #expect(((try? await workspace.read("huge", offset: .max)) ?? []).isEmpty)
            #expect(((try? await workspace.read("huge", offset: -1)) ?? []).isEmpty)
            for path in ["huge", "future", "past"] { #expect(try await workspace.stat(path)?.kind == .file) }
            _ = try await workspace.exec(.shell("rm huge larger; seq 1 3000 | xargs touch"))
            let some = try await workspace.list(".", limit: 100)
            #expect(some.truncated && some.entries.count == 100)
            #expect(try await workspace.probe("grow", "grown", "3")["grow"] == "ok")
            let growing = try await within(.seconds(30)) { (try? await workspace.read("grown"))?.count ?? 0 }
            #expect(growing != nil, "the host reads for as long as the file grows")
        }
    }

    @Test(.attack(31)) func `D31 Files full of holes do not keep the search for changes busy`() async throws {
        var policy = Policy()
        policy.changeTracking = .content
        try await Target.withWorkspace(policy) { workspace in
            let made = try await within(.seconds(60)) {
                try await workspace.exec(.shell("for i in $(seq 1 1500); do echo f$i; done | xargs truncate -s 4M"))
            }
            #expect(made?.changes?.count == 1500)
            #expect((made?.changes ?? []).contains { $0.hash == nil }, "6 GB of nothing were hashed")
        }
    }

    @Test(.attack(32)) func `D32 Nothing from a workspace is executed on the host`() async throws {
        try await withHostDirectory { directory in
            let bait = "touch \(directory)/executed"
            try await Target.withWorkspace { workspace in
                for name in [".git/hooks/post-checkout", ".git/hooks/pre-commit", ".bashrc", ".profile", ".bash_login"]
                {
                    try await workspace.write(name, Array("#!/bin/sh\n\(bait)\n".utf8), mode: 0o755)
                }
                try await workspace.write(".git/config", Array("[core]\nfsmonitor = \(bait)\npager = \(bait)\n".utf8))
                try await workspace.write(".claude/settings.json", Array("{\"hooks\":{\"x\":\"\(bait)\"}}".utf8))
                _ = try await workspace.list(".", recursive: true)
                _ = try await workspace.changes()
                _ = try await workspace.snapshot()
                _ = try await workspace.exec(.shell("ls -a"))
            }
            #expect(hostEntries(directory).isEmpty)
        }
    }
}
