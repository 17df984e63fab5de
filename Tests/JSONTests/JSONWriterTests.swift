import JSON
import Testing

@Suite struct JSONWriterTests {
    @Test func `the compact form is one line in the order of the keys`() {
        let value: JSONValue = ["z": 1, "a": [true, nil, 1.5, "x"], "m": [:], "e": []]
        #expect(value.compact == #"{"z":1,"a":[true,null,1.5,"x"],"m":{},"e":[]}"#)
    }

    @Test func `strings are escaped where they must be, and so that a terminal is safe`() {
        let value = JSONValue.string("\"\\/\n\r\t\u{0}\u{1b}\u{7f}é😀")
        #expect(value.compact == #""\"\\/\n\r\t\u0000\u001b\u007fé😀""#)
    }

    @Test func `numbers keep their kind`() throws {
        for value in [
            JSONValue.int(1), .double(1), .double(-0.0), .double(1e300), .double(.leastNonzeroMagnitude), .int(.min),
        ] {
            #expect(try JSONValue(parsing: value.compact) == value)
        }
        #expect(JSONValue.double(.nan).compact == "null")
        #expect(JSONValue.double(.infinity).compact == "null")
    }

    @Test func `the pretty form is for people`() {
        let value: JSONValue = ["a": [1, [:]], "b": []]
        #expect(value.pretty == "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}")
    }

    @Test func `equal objects have the same canonical bytes`() throws {
        let one = try JSONValue(parsing: #"{"b":{"y":1,"x":[{"q":1,"p":2}]},"a":2,"é":3,"Z":4}"#)
        let other = try JSONValue(parsing: #"{"é":3,"Z":4,"a":2,"b":{"x":[{"p":2,"q":1}],"y":1}}"#)
        #expect(one == other)
        #expect(one.hashValue == other.hashValue)
        #expect(one.canonicalBytes == other.canonicalBytes)
        #expect(String(decoding: one.canonicalBytes, as: UTF8.self).hasPrefix(#"{"Z":4,"a":2,"b":"#))
    }
}
