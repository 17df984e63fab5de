import JSON
import Testing

@testable import Dialogue

struct GoalTests {
    @Test func `Every kind of the contract is read`() throws {
        #expect(try Goal(["kind": "file_equals", "path": "a", "content": "x"]) == .fileEquals(path: "a", content: "x"))
        #expect(try Goal(["kind": "file_contains", "path": "a", "text": "x"]) == .fileContains(path: "a", text: "x"))
        #expect(try Goal(["kind": "file_exists", "path": "a"]) == .fileExists(path: "a"))
        #expect(try Goal(["kind": "file_absent", "path": "a"]) == .fileAbsent(path: "a"))
        #expect(
            try Goal(["kind": "json_equals", "path": "a", "pointer": "/b", "value": nil])
                == .jsonEquals(path: "a", pointer: "/b", value: .null))
        #expect(try Goal(["kind": "unchanged", "path": "a"]) == .unchanged(path: "a"))
        #expect(try Goal(["kind": "mode", "path": "a", "mode": 0o755]) == .mode(path: "a", mode: 0o755))
        #expect(
            try Goal(["kind": "command", "argv": ["true"]])
                == .command(CommandGoal(argv: ["true"], exitCode: 0, stdout: nil, stdoutContains: nil)))
    }

    @Test func `An unknown kind is an error that names it`() {
        let error = #expect(throws: GoalError.self) { try Goal(["kind": "file_equal", "path": "a"]) }
        #expect(error?.description.contains("`file_equal`") == true)
        #expect(error?.description.contains("file_equals") == true)
    }

    @Test(arguments: [
        #"{"path": "a"}"#, #"{"kind": "file_equals", "path": "a"}"#, #"{"kind": "file_exists", "path": 1}"#,
        #"{"kind": "command", "argv": []}"#, #"{"kind": "command", "argv": ["a", 1]}"#,
        #"{"kind": "command", "argv": ["a"], "exit_code": "0"}"#, #"{"kind": "mode", "path": "a", "mode": "755"}"#,
    ])
    func `A goal with a missing or wrong member is an error`(text: String) throws {
        let value = try JSONValue(parsing: text)
        #expect(throws: GoalError.self) { try Goal(value) }
    }

    @Test(arguments: [
        ("", #"{"a":[1,{"b/c":2}],"~":3,"":4}"#), ("/a/0", "1"), ("/a/1/b~1c", "2"), ("/~0", "3"), ("/", "4"),
    ])
    func `A JSON pointer finds its value`(pointer: String, expected: String) throws {
        let document = try JSONValue(parsing: #"{"a":[1,{"b/c":2}],"~":3,"":4}"#)
        #expect(document.value(at: pointer) == (try JSONValue(parsing: expected)))
    }

    @Test(arguments: ["a", "/b", "/a/2", "/a/-", "/a/00", "/a/0/x"])
    func `A JSON pointer into nothing finds nothing`(pointer: String) throws {
        let document = try JSONValue(parsing: #"{"a":[1,2]}"#)
        #expect(document.value(at: pointer) == nil)
    }

    @Test func `Numbers compare by value at any depth`() throws {
        #expect(try JSONValue(parsing: #"{"a":[1.0]}"#).equalsByValue(["a": [1]]))
        #expect(!(try JSONValue(parsing: #"{"a":[1.5]}"#).equalsByValue(["a": [1]])))
        #expect(!JSONValue.string("1").equalsByValue(1))
    }
}
