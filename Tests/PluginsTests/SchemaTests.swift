import JSON
import Plugins
import Testing

@Suite struct SchemaTests {
    private func violations(_ value: JSONValue, _ schema: JSONValue) -> [String] {
        if case .failure(let violations) = SchemaValidator.validate(value, against: schema) {
            violations.map(\.description)
        } else {
            []
        }
    }

    private func filled(_ value: JSONValue, _ schema: JSONValue) -> JSONValue? {
        if case .success(let filled) = SchemaValidator.validate(value, against: schema) { filled } else { nil }
    }

    static let exec: JSONValue = [
        "type": "object",
        "properties": [
            "command": ["type": "string", "minLength": 1],
            "timeout": ["type": "number", "minimum": 1, "maximum": 600, "default": 120],
            "env": ["type": "object", "additionalProperties": ["type": "string"]],
            "mode": ["enum": ["fast", "slow"]],
            "edits": [
                "type": "array", "minItems": 1, "maxItems": 2,
                "items": ["type": "object", "properties": ["path": ["type": "string"]], "required": ["path"]],
            ],
        ],
        "required": ["command"],
    ]

    @Test func `Defaults are filled in at every depth`() {
        let schema: JSONValue = [
            "type": "object",
            "properties": [
                "a": ["type": "integer", "default": 3],
                "o": ["type": "object", "properties": ["b": ["type": "string", "default": "x"]], "default": [:]],
                "l": [
                    "type": "array",
                    "items": ["type": "object", "properties": ["c": ["type": "boolean", "default": true]]],
                ],
            ],
        ]
        #expect(filled([:], schema) == ["a": 3, "o": [:]])
        #expect(
            filled(["o": [:], "l": [[:], ["c": false]]], schema) == [
                "a": 3, "o": ["b": "x"], "l": [["c": true], ["c": false]],
            ])
    }

    @Test func `A value that fits is given back`() {
        let value: JSONValue = [
            "command": "ls", "timeout": 5, "env": ["A": "1"], "mode": "slow", "edits": [["path": "x"]],
        ]
        #expect(filled(value, Self.exec) == value)
    }

    static let misfits: [(JSONValue, [String])] = [
        ([:], ["the member \"command\" (string) is missing"]),
        (["command": 5], ["command: expected string, got integer 5"]),
        (["command": ""], ["command: expected at least 1 character, got 0"]),
        (["command": "ls", "timeout": 0], ["timeout: expected a number of at least 1, got 0"]),
        (["command": "ls", "timeout": "5"], ["timeout: expected number, got string \"5\""]),
        (["command": "ls", "timeout": nil], ["timeout: expected number, got null null"]),
        (["command": "ls", "timout": 5], ["timout: unknown member; did you mean \"timeout\"?"]),
        (
            ["command": "ls", "zzzzzzzz": 5],
            ["zzzzzzzz: unknown member; the known ones are: command, timeout, env, mode, edits"]
        ),
        (["command": "ls", "env": ["A": 1]], ["env.A: expected string, got integer 1"]),
        (
            ["command": "ls", "mode": "fasst"],
            ["mode: expected one of \"fast\", \"slow\", got \"fasst\"; did you mean \"fast\"?"]
        ),
        (["command": "ls", "edits": []], ["edits: expected at least 1 element, got 0"]),
        (["command": "ls", "edits": [["path": "a"], [:]]], ["edits[1]: the member \"path\" (string) is missing"]),
        (
            ["command": "ls", "edits": [["path": "a", "line": 1]]],
            ["edits[0].line: unknown member; the known ones are: path"]
        ),
        ([1, 2], ["expected object, got array [1,2]"]),
        ("text", ["expected object, got string \"text\""]),
    ]

    @Test(arguments: misfits) func `A violation names place, expectation and value`(
        _ value: JSONValue, _ messages: [String]
    ) {
        #expect(violations(value, Self.exec) == messages)
    }

    static let verdicts: [(JSONValue, JSONValue, Bool)] = [
        (["type": "integer"], 3, true), (["type": "integer"], 3.0, true), (["type": "integer"], 3.5, false),
        (["type": "number"], 3, true), (["type": ["string", "null"]], nil, true),
        (["type": ["string", "null"]], 1, false),
        (["const": 5], 5, true), (["const": 5], 5.0, true), (["const": 5], 6, false),
        (["exclusiveMinimum": 0], 0, false),
        (["exclusiveMaximum": 10], 9.5, true), (["multipleOf": 5], 15, true), (["multipleOf": 5], 16, false),
        (["multipleOf": 0.1], 0.3, false), (["maxLength": 2], "äö", true), (["maxLength": 2], "äöü", false),
        (["pattern": "^[a-z]+$"], "abc", true), (["pattern": "^[a-z]+$"], "ab1", false),
        (["uniqueItems": true], [1, 2], true),
        (["uniqueItems": true], [1, 1], false), (["additionalProperties": false], ["a": 1], false),
        ([:], ["a": 1], true),
        (["type": "object"], ["a": 1], true), (["type": "object", "properties": [:]], ["a": 1], false),
        (["type": "object", "properties": [:], "additionalProperties": true], ["a": 1], true),
        (["anyOf": [["type": "string"], ["type": "integer", "minimum": 5]]], 7, true),
        (["anyOf": [["type": "string"], ["type": "integer", "minimum": 5]]], 3, false),
        (["$ref": "#/$defs/n", "$defs": ["n": ["type": "integer"]]], 3, true),
        (["$ref": "#/$defs/n", "$defs": ["n": ["type": "integer"]]], "x", false),
        (true, 1, true), (false, 1, false),
    ]

    @Test(arguments: verdicts) func `A schema accepts or refuses`(
        _ schema: JSONValue, _ value: JSONValue, _ accepted: Bool
    ) {
        #expect(violations(value, schema).isEmpty == accepted)
    }

    @Test func `An integral number becomes an integer`() {
        #expect(filled(3.0, ["type": "integer"]) == 3)
        #expect(
            filled(["n": 2.0], ["type": "object", "properties": ["n": ["type": "integer"]]])?["n"]?.typeName
                == "integer")
    }

    @Test func `An alternative fills in its defaults`() {
        let schema: JSONValue = [
            "anyOf": [
                ["type": "object", "properties": ["kind": ["const": "a"], "x": ["default": 1]], "required": ["kind"]],
                ["type": "object", "properties": ["kind": ["const": "b"], "y": ["default": 2]], "required": ["kind"]],
            ]
        ]
        #expect(filled(["kind": "b"], schema) == ["kind": "b", "y": 2])
        #expect(
            violations(["kind": "c"], schema) == [
                "fits none of the 2 alternatives; the nearest: kind: expected \"a\", got \"c\""
            ])
    }

    @Test func `Of a hundred thousand faults the first are told`() {
        let strange = JSONValue.object(JSONObject((0..<100_000).map { ("k\($0)", 1) }))
        let told = violations(strange, Self.exec)
        #expect(told.count == 20)
        #expect(told.first == "k0: unknown member; the known ones are: command, timeout, env, mode, edits")
    }

    @Test func `Schemas that refer to themselves end`() {
        let tree: JSONValue = [
            "$defs": ["node": ["type": "object", "properties": ["next": ["$ref": "#/$defs/node"]]]],
            "$ref": "#/$defs/node",
        ]
        #expect(violations(["next": ["next": [:]]], tree).isEmpty)
        #expect(
            violations(["next": ["next": ["last": 1]]], tree) == [
                "next.next.last: unknown member; did you mean \"next\"?"
            ])
        #expect(violations(1, ["$ref": "#"]).first?.contains("nested deeper") == true)
        let bomb: JSONValue = ["anyOf": [["$ref": "#"], ["$ref": "#"], ["$ref": "#"]]]
        #expect(!violations(1, bomb).isEmpty)
    }

    @Test(arguments: [
        ("a", "cat", true), ("^a", "cat", false), ("t$", "cat", true), ("c.t", "cat", true),
        ("^(cat|dog)s?$", "dogs", true),
        ("^(cat|dog)s?$", "cows", false), ("^\\d{3}-\\d{4}$", "555-1234", true), ("^\\d{3}-\\d{4}$", "55-1234", false),
        ("^[^/]+/[^/]+$", "a/b", true), ("^[\\w.-]+@[\\w-]+\\.[a-z]{2,}$", "me.too@host.org", true), ("^x*$", "", true),
        ("^x+$", "", false), ("^(?:ab)*?c", "ababc", true), ("^[a\\]]$", "]", true), ("^[]$", "a", false),
        ("\\.", "a.b", true),
        ("^\\S+$", "a b", false), ("^[\\D]$", "5", false), ("^[\\s\\S]$", "\n", true), ("^.$", "ä", true),
        ("^\\u00e4$", "ä", true),
        ("^a{0}b$", "b", true), ("^a{2,3}$", "aaaa", false), ("^a{2,}$", "aaaa", true), ("a{x", "a{x", true),
        ("a|", "", true),
        ("^(a|b)*$", "abba", true), ("^(a*)*$", "aaab", false), ("^[A-Za-z0-9_-]{1,64}$", "call_1", true),
    ]) func `A pattern matches`(_ pattern: String, _ text: String, _ expected: Bool) {
        #expect(violations(.string(text), ["pattern": .string(pattern)]).isEmpty == expected)
    }

    /// Backtracking would take until the end of the world.
    @Test func `Hostile patterns take linear time`() {
        let text = JSONValue.string(String(repeating: "a", count: 5000) + "!")
        for pattern in ["^(a+)+$", "^(a|aa)+$", "^(.*)*b$", "^(a?){50}a{50}$"] {
            #expect(!violations(text, ["pattern": .string(pattern)]).isEmpty, "\(pattern)")
        }
    }
}
