import JSON
import Plugins
import TestSupport
import Testing
import Workspaces

/// Attacks through the host functions, with a real workspace behind them, in both engines.
@Suite struct HostTests {
    struct Attack: Sendable, CustomTestStringConvertible {
        var name: String
        var manifest: JSONObject
        var body: String
        /// How the call may end instead of saying true.
        var codes: Set<String>

        init(_ name: String, _ permissions: JSONValue, _ body: String, or codes: Set<String> = []) {
            self.init(name, manifest: ["permissions": permissions], body, or: codes)
        }

        init(_ name: String, manifest: JSONObject, _ body: String, or codes: Set<String> = []) {
            (self.name, self.manifest, self.body, self.codes) = (name, manifest, body, codes)
        }

        var testDescription: String { name }
    }

    @Test(arguments: attacks, Arena.Engine.allCases)
    func `An attack through the host gets nowhere`(_ attack: Attack, _ engine: Arena.Engine) async throws {
        let host = try await WorkspaceHost.start()
        let workspace = try await host.open()
        var services = HostServices()
        services.workspace = workspace
        let source = "local function denied(f, ...) local ok, e = pcall(f, ...) return not ok, e end\n"
        let plugin = try await Arena.instance(
            module(attack.body, before: source), attack.manifest, engine: engine, host: services)
        let ending = await Ending(plugin)
        let alive = await Ending(plugin, "ok")
        let isContained =
            switch ending {
            case .value(let value): value == true
            case .error(let error): attack.codes.contains(error.code)
            }
        let stillOpen = (try? await workspace.exec(ExecRequest(argv: ["/bin/true"])))?.succeeded == true
        await workspace.close()
        await host.shutdown()
        let stopped = isContained && stillOpen && alive.description == #"value "alive""#
        #expect(Score.note(attack.name, stopped), "\(ending); then \(alive); workspace \(stillOpen)")
    }

    private static let files: JSONValue = ["fs": [["path": "**", "mode": "rw"]]]
    private static let some: JSONValue = ["fs": [["path": "out/**", "mode": "rw"]]]
    private static let programs: JSONValue = ["fs": [["path": "**", "mode": "rw"]], "exec": ["*"]]

    static let attacks: [Attack] = paths + denials + commands + floods

    static let paths: [Attack] = [
        Attack(
            "the host's passwords", files, "return ws.read('/etc/shadow', { missing = 'nil' }) == nil",
            or: ["E_NOENT", "E_ACCES"]),
        Attack(
            "dots above the root", files, "return ws.read(('../'):rep(50) .. 'etc/shadow', { missing = 'nil' }) == nil",
            or: ["E_NOENT", "E_ACCES"]),
        Attack("dots out of a pattern", some, "return denied(ws.read, 'out/../secret')"),
        Attack(
            "dots before a slash that carries a mark", some,
            """
            local up = 'out/../\u{301}d'
            return denied(ws.write, up .. '/f', 'x') and denied(ws.write, up .. '/../secret', 'x')
              and denied(ws.read, up .. '/../secret')
            """),
        Attack("a path beside a pattern", some, "return denied(ws.write, 'output/x', '')"),
        Attack("an absolute path out of a pattern", some, "return denied(ws.read, '/home/user/secret')"),
        Attack("a path with a zero", files, "return denied(ws.write, 'a\\0b', '')"),
        Attack("a path of a megabyte", files, "return denied(ws.read, ('x'):rep(1 << 20))"),
        Attack("ten thousand dots", files, "return denied(ws.read, ('../'):rep(10000) .. 'x')"),
        Attack("an empty path", files, "return denied(ws.write, '', 'x')"),
        Attack("the memory of the init", files, "return denied(ws.read, '/proc/1/mem')"),
        Attack(
            "the environment of the init", files,
            "return denied(ws.read, '/proc/1/environ') or ws.read('/proc/1/environ') == ''"),
        Attack("a device that never ends", files, "return denied(ws.read, '/dev/zero', { max_bytes = 1000 })"),
        Attack(
            "all of proc", files,
            "local l = ws.list('/proc', { recursive = true, max = 1000 }) return #l.entries <= 1000",
            or: ["E_ACCES", "E_NOENT", "E_IO"]),
        Attack(
            "the system's files", files,
            "return denied(ws.write, '/usr/bin/ls', 'x') and denied(ws.remove, '/usr', { recursive = true })"),
        Attack("an offset below the beginning", files, "return denied(ws.read, '/etc/passwd', { offset = -1 })"),
        Attack("a size beyond all numbers", files, "return denied(ws.read, '/etc/passwd', { max_bytes = 1 << 62 })"),
        Attack("a mode beyond all bits", files, "return denied(ws.write, 'x', '', { mode = 1 << 40 })"),
    ]

    static let denials: [Attack] = [
        Attack("files without permission", [:], "return denied(function() return ws.read end)"),
        Attack("programs without permission", [:], "return denied(function() return ws.exec end)"),
        Attack("a model without permission", [:], "return denied(function() return chat end)"),
        Attack("sessions without permission", [:], "return denied(function() return sessions.spawn end)"),
        Attack("a denied name through rawget", [:], "return rawget(ws, 'exec') == nil"),
        Attack(
            "a denied name through pairs", [:],
            "for k in pairs(ws) do if k == 'exec' then return false end end return true"),
        Attack("a program that is not on the list", ["exec": ["git"]], "return denied(ws.exec, { 'sh', '-c', 'id' })"),
        Attack("a program by another path", ["exec": ["git"]], "return denied(ws.exec, { '/usr/bin/../bin/sh' })"),
        Attack(
            "a program through one on the list", ["exec": ["env"]],
            "local r = ws.exec({ 'env', 'sh', '-c', 'echo escaped' }) return not r.stdout:find('escaped')",
            or: ["E_COMMAND_NOT_FOUND", "E_NOEXEC", "E_ACCES", "E_PERMISSION"]),
        Attack(
            "a program of its own under a listed name", ["exec": ["git"], "fs": [["path": "**", "mode": "rw"]]],
            """
            ws.write('bin/git', '#!/bin/sh\\necho escaped\\n', { mode = 493 })
            local r = ws.exec({ 'git', '--version' }, { env = { PATH = '/home/user/bin:/usr/bin:/bin' } })
            return not r.stdout:find('escaped')
            """, or: ["E_COMMAND_NOT_FOUND", "E_NOEXEC", "E_ACCES", "E_PERMISSION"]),
        Attack(
            "code of its own in a listed program", ["exec": ["git"], "fs": [["path": "**", "mode": "rw"]]],
            """
            ws.write('x.so', 'no library')
            return denied(ws.exec, { 'git', '--version' }, { env = { LD_PRELOAD = '/home/user/x.so' } })
              and denied(ws.exec, { 'git', '--version' }, { env = { LD_LIBRARY_PATH = '/home/user' } })
            """),
        Attack(
            "writing in spite of effects.writes false",
            manifest: ["permissions": ["exec": ["*"]], "effects": ["writes": false]],
            "local r = ws.exec({ 'sh', '-c', 'echo x > /home/user/x || echo x > /tmp/x' }) return r.code ~= 0"),
        Attack(
            "the network in spite of effects.network false",
            manifest: ["permissions": ["exec": ["*"]], "effects": ["network": false]],
            "local r = ws.exec({ 'python3', '-c', 'import socket; socket.socket()' }) return r.code ~= 0"),
        Attack(
            "writing in spite of narrow patterns",
            manifest: ["permissions": ["exec": ["*"], "fs": [["path": "out/**", "mode": "rw"]]]],
            "local r = ws.exec({ 'sh', '-c', 'echo x > /home/user/elsewhere' }) return r.code ~= 0"),
    ]

    static let commands: [Attack] = [
        Attack(
            "an argument with a zero", programs,
            "return denied(ws.exec, { 'echo', 'a\\0b' }) or ws.exec({ 'true' }).code == 0"),
        Attack("no arguments at all", programs, "return denied(ws.exec, {})"),
        Attack("arguments that are tables", programs, "return denied(ws.exec, { {} })"),
        Attack(
            "a hundred thousand arguments", programs,
            "local t = { 'echo' } for i = 1, 1e5 do t[#t + 1] = 'x' end local ok = pcall(ws.exec, t) return true",
            or: ["limit"]),
        Attack(
            "a variable with an equals sign", programs,
            "pcall(ws.exec, { 'true' }, { env = { ['A=B'] = 'c' } }) return true"),
        Attack(
            "LD_PRELOAD", programs,
            "local r = ws.exec({ 'true' }, { env = { LD_PRELOAD = '/home/user/x.so' } }) return r.code == 0"),
        Attack("a time beyond all numbers", programs, "return denied(ws.exec, { 'true' }, { timeout_ms = 1 << 60 })"),
        Attack("an unknown option", programs, "return denied(ws.exec, { 'true' }, { shell = true })"),
        Attack(
            "output without end", programs,
            "local r = ws.exec({ 'sh', '-c', 'yes | head -c 50000000' }, { max_bytes = 1000 }) return #r.stdout <= 1000 and r.truncated"
        ),
        Attack(
            "a command that never ends", programs,
            "local r = ws.exec({ 'sleep', '1000' }, { timeout_ms = 200 }) return r.timed_out"),
        Attack(
            "processes that stay behind", programs,
            "local r = ws.exec({ 'sh', '-c', 'sleep 1000 & sleep 1000 & true' }) return r.code == 0"),
    ]

    static let floods: [Attack] = [
        Attack("host calls without end", [:], "while true do clock.now() end", or: ["limit"]),
        Attack("host calls without end in pcall", [:], "while true do pcall(clock.now) end", or: ["limit"]),
        Attack("log lines without end", [:], "while true do log.info(('x'):rep(1000)) end", or: ["limit"]),
        Attack(
            "an argument that is too large", files, "return denied(ws.write, 'x', ('x'):rep(9 << 20))", or: ["limit"]),
        Attack(
            "an argument nested too deeply", [:],
            "local t = {} local r = t for i = 1, 100 do t.t = {} t = t.t end return denied(log.info, 'x', r)",
            or: ["limit"]),
        Attack(
            "an argument that contains itself", [:], "local t = {} t.t = t return denied(log.info, 'x', t)",
            or: ["limit"]),
        Attack("a function as argument", [:], "return denied(log.info, 'x', { print })", or: ["limit"]),
        Attack("state beyond its room", ["state_kb": 1], "return denied(state.set, 'k', ('x'):rep(2000))"),
        Attack(
            "keys of state without end", ["state_kb": 1],
            "return denied(function() for i = 1, 1e4 do state.set('k' .. i, i) end end)", or: ["limit"]),
        Attack(
            "names of random streams without end", [:], "for i = 1, 1e9 do random.stream('s' .. i) end", or: ["limit"]),
        Attack(
            "a sleep beyond the deadline", manifest: ["limits": ["wall_ms": 300, "cpu_ms": 60]], "clock.sleep(100000)",
            or: ["limit"]),
        Attack(
            "a wait in a comparator", programs,
            "return denied(table.sort, { 2, 1 }, function() ws.exec({ 'true' }) end)"),
        Attack(
            "a wait in a gsub callback", programs,
            "return denied(string.gsub, 'x', '.', function() ws.exec({ 'true' }) end)"),
        Attack(
            "ctx.fail with an endless text", [:], "ctx.fail('x', ('x'):rep(1 << 22))", or: ["x", "limit", "plugin_bug"]),
        Attack("a false code by ctx.fail", [:], "ctx.fail('limit', 'not really')", or: ["limit"]),
    ]
}
