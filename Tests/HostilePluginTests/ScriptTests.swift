import JSON
import Plugins
import TestSupport
import Testing

/// Scripts of plugins, in both engines.
@Suite struct ScriptTests {
    /// The call is ended by its limit and by nothing else, the error says where, and the plugin serves the next call.
    @Test(arguments: LuaAttack.all, Arena.Engine.allCases)
    func `A script that would outlive its limits is stopped`(_ attack: LuaAttack, _ engine: Arena.Engine) async throws {
        let plugin = try await Arena.instance(module(attack.body), engine: engine)
        let ending = await Ending(plugin)
        let alive = await Ending(plugin, "ok")
        let stopped = ending.code == "limit" && alive.description == #"value "alive""#
        #expect(Score.note(attack.name, stopped), "\(ending); then \(alive)")
    }

    struct Escape: Sendable, CustomTestStringConvertible {
        var name: String
        var body: String
        var before = ""

        init(_ name: String, _ body: String, before: String = "") {
            (self.name, self.body, self.before) = (name, body, before)
        }

        var testDescription: String { name }
    }

    /// Each says true when it got nowhere; an error that the interpreter raised is as good.
    @Test(arguments: escapes, Arena.Engine.allCases)
    func `A script that would leave its sandbox gets nowhere`(_ escape: Escape, _ engine: Arena.Engine) async throws {
        let plugin = try await Arena.instance(module(escape.body, before: escape.before), engine: engine)
        let ending = await Ending(plugin)
        let alive = await Ending(plugin, "ok")
        let isContained =
            switch ending {
            case .value(let value): value == true
            case .error(let error): ["plugin_bug", "limit", "E_MODULE", "E_ARGUMENT", "E_JSON"].contains(error.code)
            }
        let stopped = isContained && alive.description == #"value "alive""#
        #expect(Score.note(escape.name, stopped), "\(ending); then \(alive)")
    }

    private static let absent = "local function absent(f) return not pcall(f) end\n"

    static let escapes: [Escape] =
        [
            Escape("load", "return absent(function() return load end)", before: absent),
            Escape("loadstring with an environment", "return absent(function() return loadstring end)", before: absent),
            Escape("dofile reads standard input", "return absent(function() return dofile end)", before: absent),
            Escape("string.dump", "return absent(function() return string.dump end)", before: absent),
            Escape("debug", "return absent(function() return debug end)", before: absent),
            Escape("os", "return absent(function() return os end)", before: absent),
            Escape("io", "return absent(function() return io end)", before: absent),
            Escape("package.loadlib", "return absent(function() return package end)", before: absent),
            Escape("the table of all globals", "return absent(function() return _G end)", before: absent),
            Escape("the metatable of strings", "return not getmetatable('')"),
            Escape(
                "a metatable for the globals", "return absent(function() setmetatable(_ENV, {}) end)", before: absent),
            Escape(
                "a metatable for a library", "return absent(function() setmetatable(table, {}) end)", before: absent),
            Escape("a new global", "return absent(function() leaked = 1 end)", before: absent),
            Escape("__gc", "return absent(function() setmetatable({}, { __gc = print }) end)", before: absent),
            Escape("__mode", "return absent(function() setmetatable({}, { __mode = 'k' }) end)", before: absent),
            Escape("an address by tostring", "return not (tostring({}) .. tostring(print)):find('0x')"),
            Escape("an address by %p", "return absent(function() return ('%p'):format({}) end)", before: absent),
            Escape("an address in an error", "return not select(2, pcall(error, {})) or true"),
            Escape(
                "collectgarbage to hold the world", "return absent(function() collectgarbage('stop') end)",
                before: absent),
            Escape("a module above the folder", "return require('../../secret')"),
            Escape("a module by absolute path", "return require('/etc/passwd')"),
            Escape("a module through dots", "return require('lib....secret')"),
            Escape("a module with a zero", "return require('lib\\0secret')"),
            Escape("a library that nobody required", "return require('@model_json')"),
            Escape("its own main file as a module", "return require('main')"),
            Escape(
                "an error object with an endless __tostring",
                "error(setmetatable({}, { __tostring = function() while true do end end }))"),
            Escape(
                "an error object with a lying __index", "error(setmetatable({}, { __index = function() return 1 end }))"
            ),
            Escape("a huge error text", "error(('x'):rep(1 << 21))"),
            Escape("a function as error", "error(print)"),
            Escape("a yield out of the call", "coroutine.yield(1)"),
            Escape("a coroutine that closes itself", "coroutine.close(coroutine.running())"),
            Escape(
                "a chain of coroutine.close that crashes 5.4.4",
                """
                local function chain(n)
                  local last
                  for i = 1, n do
                    local previous = last
                    last = coroutine.create(function()
                      local x <close> = setmetatable({}, { __close = function() if previous then coroutine.close(previous) end end })
                      coroutine.yield()
                    end)
                    coroutine.resume(last)
                  end
                  coroutine.close(last)
                end
                pcall(chain, 20000)
                return true
                """),
            Escape(
                "nested gsub callbacks",
                "local function f() return ('x'):gsub('x', f) end pcall(f) return true"),
            Escape(
                "nested comparators",
                "local function f() table.sort({ 2, 1 }, f) end pcall(f) return true"),
            Escape(
                "nested __tostring through format",
                "local t t = setmetatable({}, { __tostring = function() return ('%s'):format(t) end }) pcall(tostring, t) return true"
            ),
            Escape(
                "nested coroutines",
                "local function f() coroutine.wrap(f)() end pcall(f) return true"),
            Escape(
                "a pattern of captures", "return absent(function() ('x'):find(('('):rep(5000)) end)", before: absent),
            Escape(
                "a pattern that ends early",
                "for _, p in ipairs({ '%', '[a', '%f', '%b', '(()' }) do pcall(string.find, 'x', p) end return true"),
            Escape("a format without an end", "return absent(function() ('%99999d'):format(1) end)", before: absent),
            Escape(
                "rep beyond all numbers", "return absent(function() return ('abcd'):rep(1 << 61) end)", before: absent),
            Escape(
                "unpack beyond the stack", "return absent(function() table.unpack({}, 1, 1 << 40) end)", before: absent),
            Escape(
                "move over the ends of integers",
                "return absent(function() table.move({}, math.mininteger, math.maxinteger, 1) end)", before: absent),
            Escape(
                "random over all integers",
                "random.int(math.mininteger, math.maxinteger) return absent(function() random.int(2, 1) end)",
                before: absent),
            Escape(
                "a bomb for json.decode", "return absent(function() json.decode(('['):rep(100000)) end)", before: absent
            ),
            Escape(
                "a circle for json.encode", "local t = {} t.t = t return absent(function() json.encode(t) end)",
                before: absent),
            Escape("a circle as result", "local t = {} t.t = t return t"),
            Escape("a function as result", "return { print }"),
            Escape("a result with holes", "return { [1] = 1, [1 << 40] = 2 }"),
            Escape(
                "a result nested too deeply",
                "local t = {} local r = t for i = 1, 100 do t.t = {} t = t.t end return r"),
        ]

    @Test(arguments: Arena.Engine.allCases)
    func `What a plugin does to its libraries stays with it`(_ engine: Arena.Engine) async throws {
        let spoiler = try await Arena.instance(
            module("rawset(string, 'upper', function() return 'spoilt' end)"), engine: engine)
        _ = await Ending(spoiler)
        let other = try await Arena.instance(module("return ('a'):upper()"), engine: engine)
        let ending = await Ending(other)
        #expect(Score.note("a library changed for others", ending.description == #"value "A""#), "\(ending)")
    }

    @Test(arguments: Arena.Engine.allCases)
    func `The context of a call is the call's own`(_ engine: Arena.Engine) async throws {
        let plugin = try await Arena.instance(
            module("local was = ctx.config.evil ctx.config.evil = true ctx.fail = nil return was == nil"),
            engine: engine)
        _ = await Ending(plugin)
        let second = await Ending(plugin)
        #expect(Score.note("a context changed for the next call", second.description == "value true"), "\(second)")
    }

    // MARK: At load time

    static let loads: [(String, String)] = [
        ("an endless loop at load", "while true do end"),
        ("a bomb at load", "local s = 'x' while true do s = s .. s end"),
        ("no table at load", "return 1"),
        ("a missing function", "return {}"),
        ("a run that is no function", "return { run = 1 }"),
        ("parentheses without end", "return " + String(repeating: "(", count: 20_000)),
        ("tables without end", "return " + String(repeating: "{", count: 20_000)),
        ("blocks without end", String(repeating: "do ", count: 20_000)),
        ("too many locals", (0..<300).map { "local v\($0) = 1" }.joined(separator: "\n")),
        ("a string without end", "return '" + String(repeating: "x", count: 100_000)),
        ("workspace calls at load", "ws.read('x') return { run = print }"),
        ("a module that requires itself", "require('loop') return { run = print }"),
    ]

    @Test(arguments: loads, Arena.Engine.allCases)
    func `A file that cannot be loaded hurts nobody else`(
        _ load: (name: String, source: String), _ engine: Arena.Engine
    ) async throws {
        let (found, _) = try Arena.catalog(
            [
                "plugin.json": Arena.manifest(["permissions": ["fs": [["path": "**", "mode": "r"]]]]),
                "main.lua": Array(load.source.utf8), "loop.lua": Array("return require('loop')".utf8),
            ], engine: engine)
        let catalog = await found.checked()
        let isOut = (try? catalog.plugin(kind: .tool, named: "hostile")) == nil
        let isNamed = catalog.problems.contains { $0.file.contains("hostile") && !$0.reason.isEmpty }
        let good = try catalog.plugin(kind: .tool, named: "good")
        let instance = try await PluginInstance(good, host: HostServices(), seed: 1)
        let works = try await instance.call("run", [[:]])["text"] == "good"
        #expect(Score.note(load.name, isOut && isNamed && works), "\(catalog.problems)")
    }

    @Test(arguments: Arena.Engine.allCases)
    func `Bytecode is not loaded`(_ engine: Arena.Engine) async throws {
        let code: [UInt8] = [0x1B] + Array("Lua".utf8) + [0x54, 0, 0x19, 0x93, 0x0D, 0x0A, 0x1A, 0x0A, 4, 8, 8]
        let (found, _) = try Arena.catalog(["plugin.json": Arena.manifest(), "main.lua": code], engine: engine)
        let catalog = await found.checked()
        let isNamed = catalog.problems.contains { $0.reason.contains("binary chunk") }
        #expect(Score.note("bytecode", isNamed), "\(catalog.problems)")
    }
}
