import JSON
import Testing

@Suite struct JSONObjectTests {
    @Test func `setting a key again keeps its place, nil removes it`() {
        var object: JSONObject = ["a": 1, "b": 2, "c": 3]
        object["a"] = 9
        object["b"] = nil
        object["d"] = 4
        object["missing"] = nil
        #expect(object.keys == ["a", "c", "d"])
        #expect(object["a"] == 9)
        #expect(object.count == 3)
    }

    @Test func `a member of a value is set in place, and only in an object`() {
        var value: JSONValue = ["a": ["b": 1]]
        value["a"]?["b"] = 2
        #expect(value == ["a": ["b": 2]])
        var array: JSONValue = [1]
        array["a"] = 1
        #expect(array == [1])
        #expect(array["a"] == nil)
    }

    @Test func `an object of any size is made, read, written, compared and taken apart`() throws {
        let keys = (0..<100_000).map { "k\($0)" }
        let object = JSONObject(keys.map { ($0, 1) })
        let text = JSONValue.object(object).compact
        let read = try #require(try JSONValue(parsing: text).object)
        #expect(read == object)
        let reversed = JSONObject(keys.reversed().map { ($0, 1) })
        #expect(reversed == object)
        #expect(keys.allSatisfy { read[$0] == 1 })
        #expect(throws: JSONError.self) { try JSONValue(parsing: text.dropLast() + ",\"k99999\":2}") }
    }

    @Test(arguments: [15, 16, 17, 18, 40]) func `keys are found whatever their number, also after one has gone`(
        count: Int
    ) {
        var object = JSONObject((0..<count).map { ("k\($0)", .int($0)) })
        object["k3"] = nil
        object["new"] = 7
        object["k4"] = 44
        #expect(object.keys == (0..<count).filter { $0 != 3 }.map { "k\($0)" } + ["new"])
        #expect((0..<count).filter { ![3, 4].contains($0) }.allSatisfy { object["k\($0)"] == .int($0) })
        #expect(object["k3"] == nil && object["k4"] == 44 && object["new"] == 7)
    }

    @Test func `order does not count for equality, members do`() {
        let object: JSONObject = ["a": 1, "b": 2]
        #expect(object == ["b": 2, "a": 1])
        #expect(object != ["a": 1])
        #expect(object != ["a": 1, "b": 3])
        #expect(object != ["a": 1, "c": 2])
    }

    @Test func `values are read as what they are`() {
        #expect(JSONValue.double(3).int == 3)
        #expect(JSONValue.double(3.5).int == nil)
        #expect(JSONValue.double(1e300).int == nil)
        #expect(JSONValue.int(3).double == 3)
        #expect(JSONValue.string("3").int == nil)
        #expect(JSONValue.null.isNull)
        #expect(
            [JSONValue.null, true, 1, 1.5, "s", [], [:]].map(\.typeName)
                == ["null", "boolean", "integer", "number", "string", "array", "object"])
    }
}
