import JSON
import Testing

@Suite struct JSONParserTests {
    @Test(
        arguments: [
            ("null", .null), (" true ", .bool(true)), ("false\n", .bool(false)), ("0", .int(0)), ("-7", .int(-7)),
            ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
            ("9223372036854775808", .double(9_223_372_036_854_775_808)), ("1.5", .double(1.5)), ("1e3", .double(1000)),
            ("-0.0", .double(-0.0)), ("1E-2", .double(0.01)), (#""""#, .string("")), ("[]", .array([])),
            ("{}", .object([:])),
            (#"[1,"a",[null]]"#, .array([.int(1), .string("a"), .array([.null])])),
            (#" { "a" : { "b" : [ ] } } "#, .object(["a": .object(["b": .array([])])])),
            ("\u{FEFF}1", .int(1)),
        ] as [(String, JSONValue)])
    func `values are read`(text: String, value: JSONValue) throws {
        #expect(try JSONValue(parsing: text) == value)
    }

    @Test(arguments: [
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u00e9\u4E2D""#, "é中"), (#""\ud83d\ude00""#, "😀"),
        (#""\ud83d""#, "\u{FFFD}"), (#""\ud83d\u0041""#, "\u{FFFD}A"), (#""\ude00x""#, "\u{FFFD}x"),
        (#""\u0000""#, "\u{0}"),
        ("\"é中😀\u{7f}\"", "é中😀\u{7f}"),
    ])
    func `escapes are read`(text: String, value: String) throws {
        #expect(try JSONValue(parsing: text) == .string(value))
    }

    @Test(arguments: [
        "", " ", "nul", "truex", "True", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x10", "NaN", "1e999", "[", "[1",
        "[1,", "[1,]",
        "[,1]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "\"", "\"a",
        "\"\\", "\"\\x\"",
        "\"\\u12\"", "\"\\u12g4\"", "\"\\u+123\"", "\"\n\"", "\"\u{1}\"", "1 2", "[] x", "'a'", "// x",
        "{\"a\":1 \"b\":2}", "\u{FEFF}",
    ])
    func `what is no JSON is refused`(text: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    }

    @Test func `a repeated key is refused, however it is spelled`() {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: #"{"a":1,"\u0061":2}"#) }
        #expect(error?.reason.contains("twice") == true)
    }

    @Test func `an error says where it is`() {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "{\n  \"é\": 1,\n  \"b\": x\n}") }
        #expect(error?.line == 3)
        #expect(error?.column == 8)
        #expect(error?.offset == 20)
    }

    @Test func `nesting ends at 128 levels`() throws {
        let deepest = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(try JSONValue(parsing: deepest).compact == deepest)
        #expect(throws: JSONError.self) { try JSONValue(parsing: "[" + deepest + "]") }
        #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "{\"a\":", count: 100_000)) }
    }

    @Test func `bytes that are no UTF-8 become replacement characters`() throws {
        let value = try JSONValue(parsing: [0x22, 0x61, 0xFF, 0xC3, 0x22])
        #expect(value == "a\u{FFFD}\u{FFFD}")
    }
}
