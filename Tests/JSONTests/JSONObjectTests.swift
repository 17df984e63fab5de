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
