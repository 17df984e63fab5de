import Basics
import JSON
import Plugins
import Synchronization
import Testing

@Suite struct HostFunctionTests {
    static let all: JSONObject = ["permissions": ["fs": [["path": "**", "mode": "rw"]], "exec": ["*"], "model": true]]

    private func result(
        _ body: String, _ extra: JSONObject = all, host services: HostServices? = nil,
        _ workspace: FakeWorkspace = FakeWorkspace()
    ) async throws -> JSONValue {
        let tool = try await probe(
            "return { run = function(args, ctx) \(body)\nend }", extra, host: services ?? host(workspace))
        return try await tool.call("run", [[:]])
    }

    private func failure(
        _ body: String, _ extra: JSONObject = all, host services: HostServices? = nil,
        _ workspace: FakeWorkspace = FakeWorkspace()
    ) async throws -> PluginError {
        try #require(
            await #expect(throws: PluginError.self) { try await result(body, extra, host: services, workspace) })
    }

    // MARK: Commands

    @Test func `Exec gives the facts of a command`() async throws {
        let workspace = FakeWorkspace { _ in FakeWorkspace.result("out\n", code: 3) }
        let value = try await result(
            "return ws.exec({ 'git', 'log', 5 }, { cwd = 'src', stdin = 'in', env = { A = 'b' }, timeout_ms = 1500, max_bytes = 99 })",
            Self.all, workspace)
        #expect(
            value == [
                "code": 3, "ended_by": "exit", "stdout": "out\n", "stderr": "warn!", "stdout_bytes": 4,
                "stderr_bytes": 100,
                "truncated": true, "timed_out": false, "wall_ms": 12, "left_running": [["pid": 9, "command": "sleep"]],
            ])
        let request = try #require(workspace.requests.withLock { $0.first })
        #expect(request.argv.map { String(decoding: $0, as: UTF8.self) } == ["git", "log", "5"])
        #expect(request.directory == "src")
        #expect(request.stdin == Array("in".utf8))
        #expect(request.environment == ["A": "b"])
        #expect(request.timeout == .milliseconds(1500))
        #expect(request.outputLimit == 99)
    }

    @Test func `A command ended by a signal has no code`() async throws {
        let workspace = FakeWorkspace { _ in FakeWorkspace.result(code: nil, signal: 9, endedBy: .timeout) }
        let value = try await result(
            "local r = ws.exec({ 'x' }) return { r.code == nil, r.signal, r.timed_out }", Self.all, workspace)
        #expect(value == [true, 9, true])
    }

    @Test func `A missing command can be caught`() async throws {
        #expect(try await result("return select(2, pcall(ws.exec, { 'missing' })).code") == "E_COMMAND_NOT_FOUND")
    }

    // MARK: Files

    @Test func `Files are bytes`() async throws {
        let workspace = FakeWorkspace(["a.txt": "alpha"])
        let value = try await result(
            """
            ws.write('b.bin', '\\xff\\0x')
            ws.write('b.bin', 'y', { append = true })
            local s = ws.stat('b.bin')
            ws.mkdir('d')
            ws.remove('a.txt')
            return { ws.read('b.bin') == '\\xff\\0xy', ws.read('b.bin', { offset = 2 }), s, ws.stat('a.txt') == nil,
              ws.read('a.txt', { missing = 'nil' }) == nil, ws.list('.'), ws.list('.', { max = 1, recursive = true }).truncated }
            """, Self.all, workspace)
        #expect(
            value == [
                true, "xy", ["kind": "file", "size": 4, "mode": 384], true, true,
                ["entries": [["path": "b.bin", "kind": "file", "size": 4, "mode": 420]], "truncated": false], false,
            ])
    }

    @Test func `A missing file is for the model unless it is caught`() async throws {
        let error = try await failure("return ws.read('a.txt')")
        #expect(error.code == "E_NOENT")
        #expect(error.modelMessage == "E_NOENT: could not open a.txt: No such file or directory")
        #expect(error.details == ["path": "a.txt"])
    }

    @Test func `A file is never cut silently`() async throws {
        let error = try await failure("return ws.read('a', { max_bytes = 3 })", Self.all, FakeWorkspace(["a": "four"]))
        #expect(error.code == "E_TOO_BIG")
    }

    // MARK: Permissions

    static let denials: [(String, JSONObject, String, String)] = [
        ("ws.exec({ 'ls' })", [:], "run programs", #""permissions": {"exec": ["PROGRAM"]}"#),
        ("ws.exec({ 'ls' })", ["permissions": ["exec": ["git"]]], "run ls", #""permissions": {"exec": ["ls"]}"#),
        ("ws.read('a')", [:], "read files", #""permissions": {"fs": [{"path": "**", "mode": "r"}]}"#),
        (
            "ws.read('b/x')", ["permissions": ["fs": [["path": "a/**", "mode": "rw"]]]], "read b/x",
            #"{"path": "b/x", "mode": "r"}"#
        ),
        (
            "ws.read('a/../b')", ["permissions": ["fs": [["path": "a/**", "mode": "rw"]]]], "read a/../b",
            #""mode": "r""#
        ),
        ("ws.write('a', '')", ["permissions": ["fs": [["path": "**", "mode": "r"]]]], "write files", #""mode": "rw""#),
        (
            "ws.write('a', '')",
            ["permissions": ["fs": [["path": "**", "mode": "rw"]]], "effects": ["writes": false]],
            "write files", #""effects": {"writes": true}"#
        ),
        ("ws.remove('b')", ["permissions": ["fs": [["path": "a", "mode": "rw"]]]], "write b", #""mode": "rw""#),
        ("chat({})", [:], "ask a model", #""permissions": {"model": true}"#),
    ]

    @Test(arguments: denials) func `A denied call names the line that would allow it`(
        _ call: String, _ extra: JSONObject, _ action: String, _ line: String
    ) async throws {
        let error = try await failure("return \(call)", extra)
        #expect(error.code == "E_PERMISSION")
        #expect(error.modelMessage == "not permitted")
        #expect(error.message.hasPrefix("the plugin may not \(action); the manifest would allow it with "))
        #expect(error.message.contains(line))
        #expect(
            try await result("return select(2, pcall(function() return \(call) end)).code", extra) == "E_PERMISSION")
    }

    @Test func `What is granted can be asked for`() async throws {
        #expect(
            try await result(
                "return { host.has('ws.read'), host.has('ws.exec'), host.has('json.encode'), host.has('ws.fly') }",
                ["permissions": ["fs": [["path": "**", "mode": "r"]]]]) == [true, false, true, false])
    }

    @Test func `A plugin knows the host that it runs in`() async throws {
        let probe = "return { host.api, host.version, host.has('host.api') }"
        #expect(try await result(probe, [:]) == [1, .string(iseVersion), true])
    }

    @Test func `An option that is there can be asked for, with the permission of its function`() async throws {
        let probe = "return { host.has('ws.exec.stdin'), host.has('ws.exec.stdout'), host.has('json.null') }"
        #expect(try await result(probe, ["permissions": ["exec": ["ls"]]]) == [true, false, true])
        #expect(try await result(probe, [:]) == [false, false, true])
    }

    @Test func `Without a workspace the calls say so`() async throws {
        let error = try await failure("return ws.read('a')", Self.all, host: HostServices())
        #expect(error.code == "E_UNAVAILABLE")
    }

    // MARK: Arguments

    @Test(arguments: [
        ("ws.read()", "argument #1 of ws.read must be a string, not nil"),
        ("ws.read({})", "argument #1 of ws.read must be a string, not table"),
        ("ws.read('a', 5)", "argument #2 of ws.read must be a table of options, not number"),
        ("ws.read('a', { max_byts = 5 })", "ws.read has no option \"max_byts\"; did you mean \"max_bytes\"?"),
        (
            "ws.read('a', { offset = -1 })",
            "option \"offset\" of ws.read must be an integer from 0 to 4611686018427387903, not number"
        ),
        ("ws.exec('ls')", "argument #1 of ws.exec must be a list {program, argument, …}, not string"),
        ("ws.exec({})", "argument #1 of ws.exec must be a list {program, argument, …}, not table"),
        ("ws.exec({ 'a', true })", "argv[2] of ws.exec must be a string, not boolean"),
        ("ws.exec({ 'a' }, { env = { A = true } })", "option \"env\" of ws.exec must be a table of strings, not table"),
        ("ws.write('a')", "argument #2 of ws.write must be a string, not nil"),
        ("json.decode('{')", "no valid JSON: expected a key in double quotes at line 1, column 2"),
        ("ctx.fail()", "argument #1 of ctx.fail must be a string, not nil"),
    ]) func `A wrong argument is named`(_ call: String, _ message: String) async throws {
        #expect(try await failure("return \(call)").message == message)
    }

    // MARK: The rest

    @Test func `JSON keeps integers, arrays and nulls`() async throws {
        let value = try await result(
            """
            local v = json.decode('{"i":1,"d":1.5,"a":[],"o":{},"n":null,"l":[null,1]}')
            return { json.encode(v), math.type(v.i), v.n == json.null, #v.l, json.encode(json.array{}), json.encode({}),
              json.encode(json.object()), json.encode({ b = 1, a = { 1, 2 } }, { pretty = true }) }
            """)
        #expect(
            value == [
                #"{"a":[],"d":1.5,"i":1,"l":[null,1],"n":null,"o":{}}"#, "integer", true, 2, "[]", "{}", "{}",
                "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": 1\n}",
            ])
    }

    @Test func `Null members of arguments are nil, and arrays stay arrays`() async throws {
        let tool = try await probe(
            "return { next = 1, run = function(args, ctx) return { args.x == nil, args.list } end }",
            [
                "parameters": [
                    "type": "object", "properties": ["x": ["type": ["string", "null"]], "list": ["type": "array"]],
                ]
            ])
        #expect(try await tool.call("run", [["x": nil, "list": []]]) == [true, []])
    }

    @Test func `Logs reach the run`() async throws {
        let lines = Mutex<[String]>([])
        var services = HostServices()
        services.onLog = { level, text, fields in
            lines.withLock { $0.append("\(level) \(text) \(fields?.compact ?? "-")") }
        }
        _ = try await result(
            "log.info('started', { n = 1 }) log.warn('odd') log.debug('d') log.error('e') print('a', 1) return {}",
            host: services)
        #expect(
            lines.withLock { $0 } == ["info started {\"n\":1}", "warn odd -", "debug d -", "error e -", "info a\t1 -"])
    }

    @Test func `The clock is the host's`() async throws {
        var services = HostServices()
        services.now = { 1000.25 }
        #expect(try await result("return clock.now()", host: services) == 1000.25)
    }

    @Test func `Chat asks the model of the run`() async throws {
        var services = HostServices()
        services.chat = { request in
            [
                "message": ["content": request["messages"]?.array?[0]["content"] ?? nil, "tool_calls": nil],
                "finish_reason": "stop",
            ]
        }
        let value = try await result(
            "local r = chat({ messages = { { role = 'user', content = 'hi' } } }) return { r.message.content, r.message.tool_calls == nil }",
            host: services)
        #expect(value == ["hi", true])
        struct Down: Error {}
        services.chat = { _ in throw Down() }
        let error = try await failure("chat({ messages = {} })", host: services)
        #expect(error.code == "E_MODEL")
        services.chat = nil
        #expect(try await failure("chat({ messages = {} })", host: services).code == "E_UNAVAILABLE")
    }

    @Test func `Every call can be observed`() async throws {
        let calls = Mutex<[String]>([])
        let programs = Mutex<[String]>([])
        var services = host(FakeWorkspace(["a": "x"]))
        services.onCall = { call in
            calls.withLock {
                $0.append("\(call.function) \(call.arguments.compact) \(call.result?.compact ?? call.errorCode ?? "")")
            }
        }
        services.onExec = { request, result in
            programs.withLock {
                $0.append("\(String(decoding: request.argv[0], as: UTF8.self)) \(result.exitCode ?? -1)")
            }
        }
        _ = try await result("ws.read('a') pcall(ws.read, 'b') ws.exec({ 'ls' }) return {}", host: services)
        #expect(calls.withLock { $0.prefix(2) } == ["ws.read [\"a\"] \"x\"", "ws.read [\"b\"] E_NOENT"])
        #expect(calls.withLock { $0.count } == 3)
        #expect(programs.withLock { $0 } == ["ls 0"])
    }
}
