import JSON
import Plugins
import Synchronization
import Testing

@Suite struct PluginInstanceTests {
    private func failure(_ instance: PluginInstance, _ arguments: JSONValue = [:]) async throws -> PluginError {
        try #require(await #expect(throws: PluginError.self) { try await instance.call("run", [arguments]) })
    }

    @Test func `A tool gets validated arguments and its context`() async throws {
        let tool = try await probe(
            "return { run = function(args, ctx) return { text = args.who .. args.n .. ctx.plugin .. ctx.version .. ctx.config.tone } end }",
            [
                "parameters": [
                    "type": "object",
                    "properties": ["who": ["type": "string"], "n": ["type": "integer", "default": 2]],
                    "required": ["who"],
                ],
                "config": ["type": "object", "properties": ["tone": ["type": "string", "default": "dry"]]],
            ])
        #expect(try await tool.call("run", [["who": "x"]]) == ["text": "x2probe1.0.0dry"])
        let error = try await failure(tool, ["hwo": "x"])
        #expect(error.code == "invalid_args")
        #expect(
            error.modelMessage
                == "the arguments do not fit: hwo: unknown member; did you mean \"who\"?; the member \"who\" (string) is missing"
        )
    }

    @Test func `Settings that do not fit are refused`() async throws {
        let schema: JSONObject = ["config": ["type": "object", "properties": ["tone": ["type": "string"]]]]
        let source = "return { run = print }"
        let wrong = await #expect(throws: PluginError.self) { try await probe(source, schema, config: ["tone": 1]) }
        #expect(wrong?.message == "the settings of the tool probe do not fit: tone: expected string, got integer 1")
        let none = await #expect(throws: PluginError.self) { try await probe(source, config: ["tone": 1]) }
        #expect(none?.message == "the tool probe takes no settings")
    }

    @Test func `A failure of the tool is for the model`() async throws {
        let tool = try await probe(
            "return { run = function(args, ctx) return ctx.fail('not_found', 'no line has that text', { lines = 3 }) end }"
        )
        let error = try await failure(tool)
        #expect(error.code == "not_found")
        #expect(error.modelMessage == "not_found: no line has that text")
        #expect(error.details == ["lines": 3])
        #expect(error.line == 1)
    }

    @Test func `A bug of the tool is for the record only`() async throws {
        let tool = try await probe(
            "return { run = function(args)\n  ws.stat('a')\n  return args.secret.key\nend }",
            ["permissions": ["fs": [["path": "**", "mode": "r"]]]], host: host(FakeWorkspace()))
        let error = try await failure(tool)
        #expect(error.code == "plugin_bug")
        #expect(error.modelMessage == "the tool failed")
        #expect(error.message == "attempt to index a nil value (field 'secret')")
        #expect(error.description == "main.lua:3: attempt to index a nil value (field 'secret')")
        #expect(error.traceback?.contains("main.lua:3: in function <main.lua:1>") == true)
        #expect(error.lastHostCalls == ["ws.stat"])
    }

    @Test(arguments: [
        ("while true do end", "cpu_ms", "the tool ran out of CPU time"),
        ("local s = 'x' while true do s = s .. s end", "memory_mb", "the tool ran out of memory"),
        ("while true do pcall(clock.now) end", "host_calls", "the tool ran out of host calls"),
        ("return { text = ('x'):rep(100 * 1024) }", "output_kb", "the tool ran out of room for output"),
        ("ws.exec({ 'sleep' })", "wall_ms", "the tool ran out of time"),
    ]) func `A limit ends the call and is named`(_ body: String, _ limit: String, _ model: String) async throws {
        let workspace = FakeWorkspace { _ in
            try? await Task.sleep(for: .seconds(60))
            return FakeWorkspace.result()
        }
        let tool = try await probe(
            "return { run = function() \(body) end, again = function() return 1 end }",
            [
                "limits": ["cpu_ms": 200, "wall_ms": 1000, "memory_mb": 4, "host_calls": 20, "output_kb": 64],
                "permissions": ["exec": ["*"]],
            ], host: host(workspace))
        let error = try await failure(tool)
        #expect(error.code == "limit")
        #expect(error.modelMessage == model)
        #expect(error.message.contains("limits.\(limit) is "))
        #expect(try await tool.call("again", []) == 1)
    }

    @Test func `A result is checked against its schema`() async throws {
        let tool = try await probe(
            "return { run = function() return { total = 'many' } end }",
            ["returns": ["type": "object", "properties": ["total": ["type": "integer"]]]])
        let error = try await failure(tool)
        #expect(error.code == "plugin_bug")
        #expect(
            error.message
                == "the result of \"run\" does not fit \"returns\": total: expected integer, got string \"many\"")
    }

    @Test func `Each instance has its own state`() async throws {
        let directory = PluginDirectory([
            "tools/probe/plugin.json": manifest(),
            "tools/probe/main.lua":
                "local n = 0\nreturn { run = function() n = n + 1 return { text = tostring(n) } end }",
        ])
        let plugin = try directory.load().plugin(kind: .tool, named: "probe")
        let first = try await PluginInstance(plugin, host: HostServices(), seed: 0)
        _ = try await first.call("run", [[:]])
        #expect(try await first.call("run", [[:]])["text"] == "2")
        let second = try await PluginInstance(plugin, host: HostServices(), seed: 0)
        #expect(try await second.call("run", [[:]])["text"] == "1")
    }

    @Test func `Random numbers depend on seed and plugin`() async throws {
        let source =
            "return { run = function() return { random.int(1, 1 << 50), random.stream('a').int(1, 1 << 50) } end }"
        func draw(_ seed: UInt64, name: String = "probe") async throws -> JSONValue {
            let directory = PluginDirectory([
                "tools/\(name)/plugin.json": manifest("tool", name), "tools/\(name)/main.lua": source,
            ])
            let plugin = try directory.load().plugin(kind: .tool, named: name)
            return try await PluginInstance(plugin, host: HostServices(), seed: seed).call("run", [[:]])
        }
        let first = try await draw(5)
        #expect(try await draw(5) == first)
        #expect(try await draw(6) != first)
        #expect(try await draw(5, name: "other") != first)
    }

    @Test func `Data of the plugin can be read`() async throws {
        let tool = try await probe("return { run = print, tasks = { { id = 'a', tools = json.array{} } } }")
        #expect(try await tool.value("tasks") == [["id": "a", "tools": []]])
        #expect(try await tool.value("absent") == .null)
        #expect(await tool.has("run"))
    }

    @Test func `Modules come from the plugin's own folder`() async throws {
        let files = ["lib/count.lua": "return { twice = function(n) return n * 2 end }", "kit.lua": "return 'kit'"]
        let tool = try await probe(
            "local count, kit = require('lib.count'), require('kit')\nreturn { run = function() return { text = kit .. count.twice(21) } end }",
            files: files)
        #expect(try await tool.call("run", [[:]])["text"] == "kit42")
        for (name, message) in [
            (
                "lib.cuont",
                "there is no module \"lib.cuont\" (lib/cuont.lua) in the plugin's folder; did you mean \"lib.count\"?"
            ),
            ("../other/main", "there is no module \"../other/main\" (///other/main.lua) in the plugin's folder"),
            ("main", "there is no module \"main\" (main.lua) in the plugin's folder; did you mean \"kit\"?"),
            (
                "@textlib",
                "the library \"textlib\" is not required; the manifest would allow it with \"requires\": {\"textlib\": \"*\"}"
            ),
        ] {
            let error = await #expect(throws: PluginError.self) { try await probe("require('\(name)')", files: files) }
            #expect(error?.message.hasPrefix(String(message.prefix(60))) == true, "\(error?.message ?? "")")
        }
    }

    @Test func `Cancelling the task cancels the command`() async throws {
        let cancelled = Mutex(false)
        let workspace = FakeWorkspace { _ in
            await withTaskCancellationHandler {
                try? await Task.sleep(for: .seconds(60))
            } onCancel: {
                cancelled.withLock { $0 = true }
            }
            return FakeWorkspace.result()
        }
        let tool = try await probe(
            "return { run = function() ws.exec({ 'sleep' }) end }", ["permissions": ["exec": ["*"]]],
            host: host(workspace))
        let task = Task { try await tool.call("run", [[:]]) }
        while workspace.requests.withLock({ $0.isEmpty }) { await Task.yield() }
        task.cancel()
        let error = await #expect(throws: PluginError.self) { try await task.value }
        #expect(error?.code == "cancelled")
        #expect(cancelled.withLock { $0 })
    }
}

func host(_ workspace: FakeWorkspace) -> HostServices {
    var services = HostServices()
    services.workspace = workspace
    return services
}
