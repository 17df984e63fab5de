import JSON
import Lua
import Plugins
import Workspaces

/// A fake workspace with a bit of everything in it, whose commands give one of the usual answers.
enum FuzzWorld {
    static let files: [(path: String, content: String, mode: UInt16)] = [
        ("notes.txt", "one\ntwo\nthree\n", 0o644), ("empty.txt", "", 0o644), ("no-break.txt", "last line", 0o644),
        ("data/a.csv", "id,name\n1,Ada\n2,Ünal\n", 0o644), ("data/crlf.txt", "a\r\nb\r\n", 0o644),
        ("bin.dat", "\u{0}\u{1}\u{2}binary", 0o644), ("secret.txt", "closed", 0o000), ("run.sh", "#!/bin/sh\n", 0o755),
        ("src/main.py", "import sys\n\n\ndef main():\n    print('hello')\n", 0o644),
        ("big.log", String(repeating: "2026-01-01 INFO a line of a log\n", count: 4000), 0o644),
    ]

    static let paths =
        files.map(\.path) + [
            "data", "src/", ".", "..", "/", "/etc/passwd", "no/such/file", "~/notes.txt", "notes.txt/x",
            "a/../notes.txt",
            "", "*.txt", "**", "data/*.csv", "/home/user/notes.txt", "new/deep/file.txt", "-", "with space.txt",
            "ü.txt",
            String(repeating: "long/", count: 60),
        ]

    static func workspace(seed: UInt64) async throws(WorkspaceError) -> FakeWorkspace {
        let workspace = FakeWorkspace { request, _ throws(WorkspaceError) in try answer(request, seed) }
        for file in files {
            try await workspace.write(
                file.path, Array(file.content.utf8), mode: file.mode, append: false, createParents: true)
        }
        return workspace
    }

    /// Depends on the command and the seed alone, so that a second run gets the same.
    private static func answer(_ request: ExecRequest, _ seed: UInt64) throws(WorkspaceError) -> LuaValue {
        var random = SplitMix(seed: request.argv.joined().reduce(seed) { ($0 &* 31) &+ UInt64($1) })
        let program = String(decoding: request.argv.first ?? [], as: UTF8.self)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: throw WorkspaceError(.commandNotFound, "\(program): command not found", path: program)
        case 1: return ["timed_out": true, "stdout": "half a li"]
        case 2: return ["code": 1, "stderr": "error: it does not work\n"]
        case 3: return ["signal": 9]
        case 4: return [:]
        case 5: return ["stdout": .bytes([0xFF, 0, 0xFE, 10]), "code": 2]
        case 6: return ["stdout": .string(String(repeating: "many lines\n", count: 9000))]
        default: return ["stdout": "{\"ok\": true}\n"]
        }
    }

}
