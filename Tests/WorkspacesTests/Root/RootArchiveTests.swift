import Glibc
import TestSupport
import Testing

@testable import Workspaces

@Suite struct SandboxRootArchiveTests {
    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    private func unpacked(_ members: [Tar.Member], limits: RootArchive.Limits = .init()) async throws -> String {
        try place.write("root.tar", Tar.bytes(members))
        return try await RootArchive.unpacked(place.file("root.tar"), cache: place.file("cache"), limits: limits)
    }

    private func refusal(_ members: [Tar.Member], limits: RootArchive.Limits = .init()) async throws -> String {
        do {
            _ = try await unpacked(members, limits: limits)
            return "it was taken"
        } catch let error as WorkspaceError { return error.message }
    }

    private static let shell = Tar.Member("bin/sh", contents: Array("#!".utf8), mode: 0o4755)

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode : 0
    }

    @Test func `What a tar holds is unpacked once, without setuid bits and devices`() async throws {
        let members: [Tar.Member] = [
            .init("./"), .init("etc/", type: "5", mode: 0o500), .init("etc/motd", contents: Array("hi\n".utf8)),
            Self.shell,
            .init("etc/more", type: "1", link: "etc/motd"), .init("lib", type: "2", link: "/usr/lib"),
            .init("dev/null", type: "3"), .init("tmp/", type: "5", mode: 0o1777), .init("fifo", type: "6"),
            .init("etc/motd", contents: Array("later\n".utf8)),
        ]
        let directory = try await unpacked(members)
        #expect(hostFile(directory + "/etc/motd") == "later\n" && hostFile(directory + "/etc/more") == "hi\n")
        #expect(mode(directory + "/bin/sh") == S_IFREG | 0o755)
        #expect(mode(directory + "/tmp") == S_IFDIR | 0o1777)
        #expect(mode(directory + "/lib") & S_IFMT == S_IFLNK)
        #expect(mode(directory + "/fifo") == 0 && mode(directory + "/dev/null") == 0)
        unlink(directory + "/fresh")
        #expect(try await unpacked(members) == directory)
        #expect(place.files().filter { $0.contains(".part-") }.isEmpty)
    }

    @Test func `Nothing leads out of the directory`() async throws {
        let outside = place.file("outside")
        mkdir(outside, 0o755)
        let cases: [([Tar.Member], String)] = [
            ([.init("/etc/x")], "an absolute name, /etc/x"),
            ([.init("a/../../x")], "a name with \"..\", a/../../x"),
            ([.init("../\u{301}x")], "a name with \"..\""),
            (
                [.init("d", type: "2", link: outside), .init("d/pwned", contents: [1])],
                "below d, which is no directory, or a link"
            ),
            (
                [.init("d", type: "2", link: outside), .init("d/e/pwned", contents: [1])],
                "below d/e, which is no directory, or a link"
            ),
            ([.init("h", type: "1", link: "../../outside")], "\"..\""),
            ([.init("d", type: "2", link: "/etc"), .init("h", type: "1", link: "d/passwd")], "below d"),
        ]
        for (members, reason) in cases {
            let message = try await refusal([Self.shell] + members)
            #expect(message.contains(reason), "\(message)")
        }
        #expect(place.files() == ["root.tar"])
    }

    @Test func `A link and then a file of its name leave the link's target alone`() async throws {
        let outside = place.file("outside")
        try place.write("outside", Array("mine".utf8))
        let directory = try await unpacked([
            Self.shell, .init("f", type: "2", link: outside), .init("f", contents: Array("theirs".utf8)),
            .init("l", type: "2", link: outside), .init("h", type: "1", link: "l"),
            .init("h", contents: Array("theirs".utf8)),
        ])
        #expect(hostFile(outside) == "mine")
        #expect(hostFile(directory + "/f") == "theirs" && hostFile(directory + "/h") == "theirs")
    }

    @Test func `Bounds hold, and nothing is left of what was refused`() async throws {
        var limits = RootArchive.Limits()
        limits.bytes = 100
        #expect(
            try await refusal([Self.shell, .init("x", contents: [UInt8](repeating: 1, count: 99))], limits: limits)
                .contains("more than 100 bytes"))
        let endless = Tar.Member("PaxHeader", type: "x", contents: Array("28 size=9223372036854775807\n".utf8))
        #expect(try await refusal([Self.shell, endless, .init("x")]).contains("more than"))
        limits.bytes = 1000
        limits.members = 1
        #expect(try await refusal([Self.shell, .init("x")], limits: limits).contains("1 members"))
        #expect(try await refusal([.init("x")]).contains("there is no /bin/sh in it"))
        #expect(place.files() == ["root.tar"])
    }

    @Test func `What somebody who was killed has left is removed, what is being made is not`() async throws {
        let cache = try RootCache(place.file("cache"))
        mkdir(place.file("cache") + "/dead.part-1-1", 0o755)
        try place.write("cache/dead.part-1-1/file", [1])
        let alive = try cache.makePart(of: .init(of: "alive"))
        #expect(place.files().isEmpty)
        let other = try cache.makePart(of: .init(of: "other"))
        #expect(access(cache.path + "/" + alive.name, F_OK) == 0)
        cache.discard(alive)
        let first = try cache.finish(other, .init(of: "other"))
        let slower = try cache.makePart(of: .init(of: "other"))
        try place.write("cache/" + slower.name + "/file", [1])
        try place.write("cache/" + first.split(separator: "/").suffix(1).joined() + "/kept", [1])
        #expect(try cache.finish(slower, .init(of: "other")) == first)
        #expect(place.files().map { $0.split(separator: "/").last } == ["kept"])
    }

    private static let programs =
        ["none"] + ["gzip", "bzip2", "xz", "zstd"].filter { runCommand([$0, "--version"]) == 0 }

    @Test(arguments: programs)
    func `Packed ones are unpacked by their program`(program: String) async throws {
        try place.write("root", Tar.bytes([Self.shell, .init("etc/motd", contents: Array("packed\n".utf8))]))
        let name = program == "none" ? "root" : "root.p"
        if program != "none" {
            #expect(runCommand(["sh", "-c", "\(program) -c < \(place.file("root")) > \(place.file(name))"]) == 0)
        }
        let directory = try await RootArchive.unpacked(place.file(name), cache: place.file("cache"))
        #expect(hostFile(directory + "/etc/motd") == "packed\n")
    }

    @Test func `A link in a root for passwd does not show the host's file`() async throws {
        try place.write("secret", Array("root:x:0:0:SECRET:/root:/bin/sh\n".utf8))
        mkdir(place.file("system"), 0o755)
        for directory in ["bin", "etc"] { mkdir(place.file("system/\(directory)"), 0o755) }
        try place.write("system/bin/sh", [])
        symlink(place.file("secret"), place.file("system/etc/passwd"))
        var options = HostOptions()
        options.root = .directory(place.file("system"))
        chmod(place.path, 0o755)
        let host = try await WorkspaceHost.start(options)
        let workspace = try await host.open()
        let passwd = String(decoding: try await workspace.read("/etc/passwd"), as: UTF8.self)
        #expect(passwd.contains("user:x:1000") && !passwd.contains("SECRET"))
        await workspace.close()
        await host.shutdown()
    }
}
