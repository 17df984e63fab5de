/// The names of Lua's own library that plugins have. Libraries in the order of the manual; what is missing was left out
/// on purpose (see `absent`).
public enum StandardLibrary {
    public static let globals: Set<String> = [
        "assert", "collectgarbage", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget",
        "rawlen", "rawset", "select", "setmetatable", "tonumber", "tostring", "type", "xpcall", "_VERSION",
    ]

    public static let libraries: [String: Set<String>] = [
        "coroutine": ["close", "create", "isyieldable", "resume", "running", "status", "wrap", "yield"],
        "math": [
            "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge", "log", "max",
            "maxinteger", "min", "mininteger", "modf", "pi", "rad", "random", "sin", "sqrt", "tan", "tointeger", "type",
            "ult",
        ],
        "string": [
            "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize", "rep",
            "reverse", "sub", "unpack", "upper",
        ],
        "table": ["concat", "insert", "move", "pack", "remove", "sort", "unpack"],
        "utf8": ["char", "charpattern", "codepoint", "codes", "len", "offset"],
    ]

    /// Names that authors know from elsewhere, and what to use here.
    public static let absent: [String: String] = [
        "os": "clock.now() tells the time; programs run through ws.exec",
        "io": "ws.read and ws.write reach the files of the workspace",
        "load": "code is loaded with require, from the plugin's folder",
        "loadstring": "code is loaded with require, from the plugin's folder",
        "loadfile": "code is loaded with require, from the plugin's folder",
        "dofile": "code is loaded with require, from the plugin's folder",
        "package": "code is loaded with require, from the plugin's folder",
        "debug": "error objects and the record carry the traceback",
        "unpack": "it is table.unpack",
        "_G": "use a local table",
        "math.randomseed": "the run gives the seed",
        "string.dump": "bytecode cannot be loaded",
    ]
}
