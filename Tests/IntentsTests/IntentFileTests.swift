import JSON
import TestSupport
import Testing

@testable import Intents

@Suite struct IntentFileTests {
    @Test func `published records are written as they were read, byte for byte`() throws {
        let bytes = try fixture("intents.jsonl")
        let file = IntentFile(parsing: bytes)
        #expect(file.problems.isEmpty)
        #expect(file.records.map(\.id) == ["intent_58f206b3", "intent_b7af9ad7", "intent_020a7899", "intent_20d09b43"])
        let lines = bytes.split(separator: 0x0A).map(Array.init)
        #expect(file.records.map(\.line) == lines)
    }

    /// Without the bytes that were read: the writer itself must give the published form.
    @Test func `the writer gives the published form of a record`() throws {
        for record in IntentFile(parsing: try fixture("intents.jsonl")).records {
            let rebuilt = IntentRecord(id: record.id, kind: record.kind, value: record.value)
            #expect(rebuilt.line == record.line)
        }
    }

    @Test func `a published record tells its persona and its text`() throws {
        let record = try #require(IntentFile(parsing: try fixture("intents.jsonl")).records.last)
        #expect(record.kind == .intent)
        #expect(record.complexity == "simple")
        #expect(record.persona?.id == "c59cdf06-2818-48f8-9d9b-48e3f485424d")
        #expect(record.persona?.role == "IT Security Consultant")
        #expect(record.persona?.experienceLevel == "Expert")
        #expect(record.text.hasPrefix("I need to triage a spike in blocked web requests"))
        #expect(record.origin == nil)
    }

    @Test func `unknown keys stay where they are, at every level`() throws {
        let line =
            #"{"z":1, "natural_language_intent":"Do it.","metadata":{"persona":{"name":"A","new":[1.5,{"y":null}]}},"id":"a"}"#
        let record = try #require(IntentFile(parsing: Array(line.utf8)).records.first)
        #expect(record.line == Array(line.utf8))
        #expect(record.persona?.value["new"] == [1.5, ["y": nil]])
    }

    /// The expected ids were made with Python's json and hashlib, as that pipeline makes them.
    @Test func `a record without an id gets the id that the published pipeline gives it`() throws {
        let queries = IntentFile(parsing: try fixture("queries.jsonl"))
        #expect(
            queries.records.map(\.id) == [
                "query_000001_0ddf346a3dc4", "query_000002_ff81e29299fc",
                "query_000003_432a9c57f046", "query_000004_628c76c7f945",
            ])
        let line =
            #"{"natural_language_intent": "Zähle \t die \"Zeilen\" \u0001 \b", "metadata": {"b": 1, "a": [true, null, 2.5]}}"#
        #expect(IntentFile(parsing: Array("\n\(line)\n".utf8)).records.map(\.id) == ["intent_000002_9d5a208c0974"])
    }

    @Test(arguments: [
        (#"{"id":"","task_id":"t1","natural_language_intent":"x"}"#, "t1"),
        (#"{"id":0,"intent_id":"i1","natural_language_intent":"x"}"#, "i1"),
        (#"{"query_id":"q1","query":"x"}"#, "q1"),
        (#"{"id":12,"question":"x"}"#, "12"),
    ])
    func `the id may stand under several keys`(line: String, id: String) {
        #expect(IntentFile(parsing: Array(line.utf8)).records.map(\.id) == [id])
    }

    @Test func `a question without an intent is a direct query with its answer`() throws {
        let record = try #require(IntentFile(parsing: try fixture("queries.jsonl")).records.first)
        #expect(record.kind == .directQuery)
        #expect(record.text.hasPrefix("Who is the mother-in-law of David Gest?"))
        #expect(record.referenceAnswer == "Judy Garland")
        #expect(record.normalized["natural_language_intent"] == .string(record.text))
        #expect(record.normalized["metadata"]?["reference_answer"] == "Judy Garland")
        #expect(record.normalized["metadata"]?["source_question"] == record.value["question"])
    }

    @Test func `bad lines are listed with their numbers, and the good ones are kept`() {
        let text = """
            {"id":"a","natural_language_intent":"one"}
            {"id":"b","natural_language_intent":"two"

            [1, 2]
            {"id":"c"}
            {"id":"a","natural_language_intent":"again"}
            {"id":"d","natural_language_intent":4}
            {"id":"e","natural_language_intent":"five","metadata":[]}
            {"task_type":"direct_query","natural_language_intent":"six"}
            {"id":"f","natural_language_intent":"six"}
            """
        let file = IntentFile(parsing: Array(text.utf8))
        #expect(file.records.map(\.id) == ["a", "f"])
        #expect(file.problems.map(\.line) == [2, 4, 5, 6, 7, 8, 9])
        let reasons = file.problems.map(\.reason)
        #expect(reasons[0].contains("no JSON") && reasons[0].contains("column"))
        #expect(reasons[1].contains("an array"))
        #expect(reasons[2].contains("\"natural_language_intent\" is missing"))
        #expect(reasons[3].contains("on line 1 already"))
        #expect(reasons[4].contains("an integer"))
        #expect(reasons[5].contains("\"metadata\" is an array"))
        #expect(reasons[6].contains("direct_query"))
    }

    @Test(arguments: [
        "../x", "a/b", #"a\\b"#, "..", ".hidden", "-rf", #"a\u0000b"#, #"a\nb"#, " a", #"a\u202Eb"#, "a b", "ä", "a:b",
        String(repeating: "x", count: 129),
    ])
    func `an id that cannot name a file is refused`(id: String) throws {
        let file = IntentFile(parsing: Array(#"{"id":"\#(id)","natural_language_intent":"x"}"#.utf8))
        #expect(file.records.isEmpty)
        #expect(try #require(file.problems.first).reason.contains("cannot name a file"))
    }

    @Test func `a line that is not UTF-8 is refused, CRLF and a byte order mark are not`() {
        var bytes: [UInt8] = [0xEF, 0xBB, 0xBF] + Array("{\"id\":\"a\",\"natural_language_intent\":\"x\"}\r\n".utf8)
        bytes += Array(#"{"id":"b","natural_language_intent":""#.utf8) + [0xFF] + Array(#""}"#.utf8)
        let file = IntentFile(parsing: bytes)
        #expect(file.records.map(\.id) == ["a"])
        #expect(file.problems.map(\.line) == [2])
    }

    @Test func `a file without one usable record is an error that says why`() throws {
        let directory = try TemporaryDirectory()
        let empty = directory.file("empty.jsonl")
        try directory.write("empty.jsonl", Array("\n \n".utf8))
        let bad = directory.file("bad.jsonl")
        try directory.write("bad.jsonl", Array("{}\nnonsense\n".utf8))
        #expect(throws: IntentError(.file, "the intents file \(empty) holds no usable record: it is empty")) {
            try IntentFile(path: empty)
        }
        let error = try #require(throws: IntentError.self) { try IntentFile(path: bad) }
        #expect(error.message.contains("each of its 2 lines is bad") && error.message.contains("line 2: no JSON"))
        let missing = try #require(throws: IntentError.self) { try IntentFile(path: directory.path + "/none") }
        #expect(missing.message.contains("No such file or directory"))
        let folder = try #require(throws: IntentError.self) { try IntentFile(path: directory.path) }
        #expect(folder.message.contains("Is a directory"))
    }
}
