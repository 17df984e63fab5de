import Plugins
import Testing
import Workspaces

@testable import Authoring

/// What the fake answers must be what the real one answers.
@Suite struct FakeWorkspaceTests {
    private enum Step: Sendable {
        case read(String), write(String, mode: UInt16 = 0o644, append: Bool = false, parents: Bool = true)
        case list(String, recursive: Bool = false, limit: Int = 100), stat(String)
        case remove(String, recursive: Bool = false), makeDirectory(String), run(in: String)
    }

    /// In order: each step acts on what the ones before have made. Whose the directory above the home is depends on who
    /// started ISE, so nothing is tried on it.
    private static let steps: [Step] = [
        .read("nothing"), .write("notes/a.txt"), .write("notes/b.txt", append: true),
        .write("notes/b.txt", append: true), .read("notes/b.txt"), .stat("notes/b.txt"), .stat("notes"),
        .read("notes"), .write("notes"), .write("notes/"), .read("notes/a.txt/"), .read("notes/a.txt/x"),
        .stat("notes/a.txt/x"), .write("notes/a.txt/x"), .list("notes"), .list("."),
        .list("nothing"), .list("notes/a.txt"), .write("deep/er/est.txt"), .list(".", recursive: true),
        .list(".", recursive: true, limit: 2), .write("no/parent.txt", parents: false), .read("./notes/../notes/a.txt"),
        .read("nothing/../notes/a.txt"), .stat(""), .stat("/"), .read(""), .stat("a\0b"), .makeDirectory("made/below"),
        .makeDirectory("made/below"), .makeDirectory("notes/a.txt"), .makeDirectory("notes/a.txt/below"),
        .remove("notes"), .remove("nothing"), .remove("notes/a.txt"), .remove("deep", recursive: true), .stat("deep"),
        .write("secret.txt", mode: 0o000), .read("secret.txt"), .write("secret.txt"), .stat("secret.txt"),
        .write("script.sh", mode: 0o755), .stat("script.sh"), .write("script.sh", mode: 0o755, append: true),
        .write("/etc/mine"), .makeDirectory("/usr/mine"), .write("/tmp/mine"), .read("/tmp/mine"),
        .stat("/home/user/notes/b.txt"), .read("/home/user/notes/b.txt"),
        .write(String(repeating: "x", count: 256)), .stat(String(repeating: "y/", count: 2100)), .run(in: "nothing"),
        .run(in: "notes/b.txt"),
    ]

    private static func take(_ step: Step, in workspace: any WorkspaceAccess) async -> String {
        do throws(WorkspaceError) {
            switch step {
            case .read(let path):
                let bytes = try await workspace.read(path, offset: 0, limit: 100)
                return String(decoding: bytes, as: UTF8.self)
            case .write(let path, let mode, let append, let parents):
                try await workspace.write(
                    path, Array("text\n".utf8), mode: mode, append: append, createParents: parents)
                return "done"
            case .list(let path, let recursive, let limit):
                let listing = try await workspace.list(path, recursive: recursive, limit: limit)
                // Which entries a cut listing has is up to the file system.
                guard !listing.truncated else { return "\(listing.entries.count) of more" }
                return listing.entries.map { "\($0.path) \(show($0.status))" }.joined(separator: ", ")
            case .stat(let path): return try await workspace.stat(path).map(show) ?? "nothing"
            case .remove(let path, let recursive):
                try await workspace.remove(path, recursive: recursive)
                return "done"
            case .makeDirectory(let path):
                try await workspace.makeDirectory(path)
                return "done"
            case .run(let directory):
                return "\(try await workspace.exec(ExecRequest(argv: ["true"], directory: directory)).exitCode ?? -1)"
            }
        } catch {
            return "\(error.code): \(error.message)"
        }
    }

    private static func show(_ status: FileStatus) -> String {
        status.kind == .directory ? "directory" : "\(status.kind) \(status.size) \(String(status.mode, radix: 8))"
    }

    @Test func `It answers and fails as a real workspace does`() async throws {
        let host = try await WorkspaceHost.start()
        let real = try await host.open()
        let fake = FakeWorkspace { _, _ throws(WorkspaceError) in [:] }
        for step in Self.steps {
            let answers = (await Self.take(step, in: fake), await Self.take(step, in: real))
            #expect(answers.0 == answers.1, "\(step)")
        }
        await real.close()
        await host.shutdown()
    }
}
