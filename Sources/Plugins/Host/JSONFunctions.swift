import JSON
import Lua

/// `json.encode` and `json.decode`, which need nothing of a run.
public enum JSONFunctions {
    public static let all: [LuaHostFunction] = [
        .immediate("json.encode") { values throws(LuaHostError) in
            let arguments = HostArguments("json.encode", values)
            let options = try arguments.options(1)
            let json = arguments[0].json
            return .string(try options.bool("pretty") ? json.pretty : json.compact)
        },
        .immediate("json.decode") { values throws(LuaHostError) in
            let bytes = try HostArguments("json.decode", values).bytes(0)
            do throws(JSONError) { return LuaValue(try JSONValue(parsing: bytes)) } catch {
                throw LuaHostError("E_JSON", "no valid JSON: \(error)")
            }
        },
    ]
}
