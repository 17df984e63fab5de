import JSON
import Testing
import Workspaces

@testable import Dialogue

/// Goals and fixtures in a real workspace.
struct GoalEvaluatorTests {
    private static let fixture: JSONValue = [
        "files": [
            "notes/a.txt": "one\ntwo\n", "run.sh": "#!/bin/sh\necho ran\n", "data.json": #"{"n":{"x":[1,2.0]}}"#,
            "broken.json": "{",
        ],
        "modes": ["run.sh": 0o755], "commands": [["sh", "-c", "cp notes/a.txt copy.txt && ln -s /nowhere dangling"]],
    ]

    /// A fixture laid out, and one goal after another judged over it.
    private func judge(_ goals: [JSONValue], after command: String = "true") async throws -> [String?] {
        try await withWorkspace { workspace in
            let fixture = try Fixture(Self.fixture)
            try await fixture.layOut(in: workspace)
            #expect(try await workspace.exec(.shell(command)).exitCode == 0)
            let evaluator = GoalEvaluator(workspace: workspace, fixture: fixture)
            var verdicts: [String?] = []
            for goal in goals { verdicts.append(try await evaluator.failure(of: Goal(goal))) }
            return verdicts
        }
    }

    @Test func `Goals that are met have no reason`() async throws {
        let verdicts = try await judge([
            ["kind": "file_equals", "path": "notes/a.txt", "content": "one\ntwo\n"],
            ["kind": "file_equals", "path": "copy.txt", "content": "one\ntwo\n"],
            ["kind": "file_contains", "path": "notes/a.txt", "text": "two"],
            ["kind": "file_exists", "path": "notes"],
            ["kind": "file_absent", "path": "notes/b.txt"],
            ["kind": "file_absent", "path": "copy.txt/below-a-file"],
            ["kind": "json_equals", "path": "data.json", "pointer": "/n/x", "value": [1, 2]],
            ["kind": "unchanged", "path": "notes/a.txt"],
            ["kind": "mode", "path": "run.sh", "mode": 0o755],
            ["kind": "mode", "path": "data.json", "mode": 0o644],
            ["kind": "command", "argv": ["./run.sh"], "stdout": "ran"],
            ["kind": "command", "argv": ["sh", "-c", "echo abc; exit 3"], "exit_code": 3, "stdout_contains": "b"],
        ])
        #expect(verdicts == Array(repeating: nil, count: verdicts.count))
    }

    @Test func `Goals that are unmet say why`() async throws {
        let cases: [(JSONValue, String)] = [
            (
                ["kind": "file_equals", "path": "notes/a.txt", "content": "one\nthree\n"],
                #"notes/a.txt differs at byte 5: it has "wo\n", expected "hree\n""#
            ),
            (
                ["kind": "file_equals", "path": "notes/a.txt", "content": "one\n"],
                #"notes/a.txt differs at byte 4: it has "two\n", expected the end of the file"#
            ),
            (["kind": "file_equals", "path": "gone", "content": ""], "gone does not exist"),
            (
                ["kind": "file_contains", "path": "notes/a.txt", "text": "three"],
                #"notes/a.txt does not contain "three""#
            ),
            (["kind": "file_exists", "path": "notes/b.txt"], "notes/b.txt does not exist"),
            (["kind": "file_absent", "path": "copy.txt"], "copy.txt exists and should not"),
            (
                ["kind": "json_equals", "path": "data.json", "pointer": "/n/x/0", "value": "1"],
                #"data.json has 1 at "/n/x/0", expected "1""#
            ),
            (
                ["kind": "json_equals", "path": "data.json", "pointer": "/m", "value": 1],
                #"data.json has nothing at "/m""#
            ),
            (
                ["kind": "unchanged", "path": "copy.txt"],
                "copy.txt is no file of the fixture, so it cannot be compared"
            ),
            (["kind": "mode", "path": "run.sh", "mode": 0o700], "run.sh has mode 0755, expected 0700"),
            (["kind": "mode", "path": "gone", "mode": 0o700], "gone does not exist"),
            (["kind": "command", "argv": ["false"]], "`false` gave exit code 1, expected 0"),
            (
                ["kind": "command", "argv": ["sh", "-c", "echo no >&2; exit 2"]],
                "`sh -c echo no >&2; exit 2` gave exit code 2, expected 0: no"
            ),
            (["kind": "command", "argv": ["echo", "a"], "stdout": "b"], #"`echo a` printed "a", expected "b""#),
        ]
        let verdicts = try await judge(cases.map(\.0))
        for (verdict, (_, expected)) in zip(verdicts, cases) { #expect(verdict == expected) }
    }

    @Test func `What cannot be read or run is an unmet goal and no error`() async throws {
        let verdicts = try await judge(
            [
                ["kind": "file_equals", "path": "notes", "content": ""],
                ["kind": "file_contains", "path": "copy.txt", "text": "one"],
                ["kind": "json_equals", "path": "broken.json", "pointer": "", "value": 1],
                ["kind": "command", "argv": ["no-such-program"]],
                ["kind": "file_equals", "path": "dangling", "content": ""],
                ["kind": "command", "argv": ["sh", "-c", "kill -9 $$"]],
            ], after: "chmod 0 copy.txt")
        #expect(verdicts.allSatisfy { $0 != nil })
    }

    @Test func `A file that the agent changed is not unchanged`() async throws {
        let verdicts = try await judge(
            [["kind": "unchanged", "path": "notes/a.txt"]], after: "echo three >> notes/a.txt")
        #expect(verdicts == [#"notes/a.txt differs at byte 8: it has "three\n", the fixture has the end of the file"#])
    }

    @Test func `A link that the agent left leads nowhere outside`() async throws {
        let verdicts = try await judge(
            [["kind": "file_contains", "path": "copy.txt", "text": "root:"]],
            after: "rm copy.txt && ln -s ../../../../../../etc/shadow copy.txt")
        #expect(verdicts[0] != nil)
    }

    @Test func `A closed workspace is an error and no unmet goal`() async throws {
        try await withWorkspace { workspace in
            await workspace.close()
            let evaluator = GoalEvaluator(workspace: workspace, fixture: Fixture())
            await #expect(throws: WorkspaceError.self) { try await evaluator.failure(of: .fileExists(path: "a")) }
            await #expect(throws: WorkspaceError.self) {
                try await evaluator.failure(of: Goal(["kind": "command", "argv": ["true"]]))
            }
        }
    }

    @Test(arguments: [
        #"{"files": {"a": 1}}"#, #"{"modes": {"a": 99999}}"#, #"{"commands": [["a", 1]]}"#, #"{"commands": [[]]}"#,
    ])
    func `A fixture with wrong members is refused`(text: String) throws {
        let value = try JSONValue(parsing: text)
        #expect(throws: FixtureError.self) { try Fixture(value) }
    }

    @Test func `A fixture command that fails says what it printed`() async throws {
        let error = try await withWorkspace { workspace in
            let fixture = try Fixture(["commands": [["sh", "-c", "echo broken >&2; exit 7"]]])
            return await #expect(throws: FixtureError.self) { try await fixture.layOut(in: workspace) }
        }
        #expect(error?.description.contains("exit code 7: broken") == true)
    }
}

struct HomeSnapshotTests {
    @Test func `Files created, changed and deleted are found by content and mode`() async throws {
        try await withWorkspace { workspace in
            let setUp = "mkdir d; echo 1 > d/a; echo 1 > b; echo 1 > c; echo 1 > e; ln -s b link; mkfifo pipe"
            _ = try await workspace.exec(.shell(setUp))
            let before = try await HomeSnapshot.taken(of: workspace)
            _ = try await workspace.exec(.shell("echo 2 > d/a; rm b; chmod 600 c; echo 1 > e; echo 1 > 'new file'"))
            let after = try await HomeSnapshot.taken(of: workspace)
            #expect(before.paths == ["b", "c", "d/a", "e", "link", "pipe"])
            #expect(
                before.changes(to: after)
                    == FileChanges(created: ["new file"], changed: ["c", "d/a"], deleted: ["b"]))
            #expect(after.changes(to: after).isEmpty)
        }
    }

    @Test func `Large files are compared by size`() async throws {
        try await withWorkspace { workspace in
            try await workspace.write("/home/user/large", Array(repeating: 1, count: 2000))
            try await workspace.write("/home/user/small", Array(repeating: 1, count: 10))
            let before = try await HomeSnapshot.taken(of: workspace, fileLimit: 1000)
            try await workspace.write("/home/user/large", Array(repeating: 1, count: 2001))
            try await workspace.write("/home/user/small", Array(repeating: 2, count: 10))
            let after = try await HomeSnapshot.taken(of: workspace, fileLimit: 1000)
            #expect(before.changes(to: after).changed == ["large", "small"])
        }
    }

    @Test func `Writing a file again at once is seen, however fast`() async throws {
        try await withWorkspace { workspace in
            var before = try await HomeSnapshot.taken(of: workspace)
            for byte in UInt8(0)..<40 {
                try await workspace.write("/home/user/a", [byte])
                let after = try await HomeSnapshot.taken(of: workspace, after: before)
                #expect(
                    before.changes(to: after)
                        == FileChanges(created: byte == 0 ? ["a"] : [], changed: byte == 0 ? [] : ["a"]))
                before = after
            }
        }
    }

    @Test func `A still file is known without being read again`() async throws {
        try await withWorkspace { workspace in
            try await workspace.write("/home/user/a", [1])
            _ = try await workspace.exec(.shell("touch -d 2020-01-01 a"))
            let before = try await HomeSnapshot.taken(of: workspace)
            // The same size and the same time: only reading it would tell, and a file of 2020 is not read twice.
            _ = try await workspace.exec(.shell("printf x > a; touch -d 2020-01-01 a"))
            #expect(before.changes(to: try await .taken(of: workspace, after: before)).isEmpty)
            #expect(before.changes(to: try await .taken(of: workspace)).changed == ["a"])
        }
    }

    @Test func `What programs keep for themselves is left out`() async throws {
        try await withWorkspace { workspace in
            try await workspace.write("/home/user/pkg/__pycache__/m.pyc", [1])
            try await workspace.write("/home/user/.git/HEAD", [1])
            try await workspace.write("/home/user/pkg/m.py", [1])
            #expect(try await HomeSnapshot.taken(of: workspace).paths == ["pkg/m.py"])
        }
    }
}
