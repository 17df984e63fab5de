import JSON
import Plugins
import Testing
import Workspaces

@Suite struct PolicyTests {
    private func policy(_ plugins: JSONValue) throws -> PluginPolicy { try PluginPolicy(["plugins": plugins]) }

    private func plugin(_ extra: JSONObject, policy plugins: JSONValue = [:]) throws -> Plugin {
        let directory = PluginDirectory([
            "tools/probe/plugin.json": manifest("tool", "probe", extra),
            "tools/probe/main.lua": "return { run = function() end }",
        ])
        return try directory.load().granted(by: try policy(plugins)).plugin(kind: .tool, named: "probe")
    }

    private func failure(_ call: String, _ extra: JSONObject, _ plugins: JSONValue) async throws -> PluginError {
        let directory = PluginDirectory([
            "tools/probe/plugin.json": manifest("tool", "probe", extra),
            "tools/probe/main.lua": "return { run = function() return \(call) end }",
        ])
        let plugin = try directory.load().granted(by: try policy(plugins)).plugin(kind: .tool, named: "probe")
        var services = HostServices()
        services.workspace = FakeWorkspace()
        let tool = try await PluginInstance(plugin, host: services, seed: 1)
        return try #require(await #expect(throws: PluginError.self) { try await tool.call("run", [[:]]) })
    }

    static let all: JSONObject = ["permissions": ["fs": [["path": "**", "mode": "rw"]], "exec": ["*"], "model": true]]

    // MARK: The file

    static let faults: [(JSONValue, String)] = [
        (["plugin": [:]], #"unknown key "plugin" in the policy; did you mean "plugins"?"#),
        ([:], #""plugins" must be an object of plugin names"#),
        (["plugins": ["probe": ["exce": []]]], #"unknown key "exce" in "plugins.probe"; did you mean "exec"?"#),
        (["plugins": ["tol probe": [:]]], #"did you mean "tool"?"#),
        (["plugins": ["*": ["network": ["https://x"]]]], #""plugins.*.network": "https://x" is not a rule"#),
        (["plugins": ["*": ["limits": ["cpu": 3]]]], #"unknown key "cpu" in "plugins.*.limits"#),
        (["plugins": ["*": ["fs": [["path": "**", "mode": "x"]]]]], #""plugins.*.fs[0].mode" must be "r""#),
    ]

    @Test(arguments: faults) func `A policy with a fault is refused with what would be right`(
        _ json: JSONValue, _ message: String
    ) throws {
        let problem = try #require(throws: ManifestProblem.self) { try PluginPolicy(json) }
        #expect(problem.message.contains(message), "\(problem)")
    }

    @Test func `A policy that names a plugin that is not there is refused`() throws {
        let error = try #require(throws: PluginError.self) { try plugin([:], policy: ["prboe": ["exec": []]]) }
        #expect(error.message.contains(#"names "prboe", and there is no such plugin; did you mean "probe"?"#))
    }

    @Test func `A file that is no policy is refused with its name`() throws {
        let directory = PluginDirectory(["policy.json": "{\n \"plugins\": [}\n"])
        let error = try #require(throws: PluginError.self) { try PluginPolicy.read(directory.path + "/policy.json") }
        #expect(error.message.contains("policy.json cannot be used: line 2 is no JSON"))
    }

    // MARK: What it grants

    @Test func `Key by key the more exact entry counts`() throws {
        let limits: JSONObject = ["limits": ["cpu_ms": 900, "host_calls": 90]]
        let probe = try plugin(
            limits,
            policy: [
                "*": ["limits": ["cpu_ms": 100, "wall_ms": 1000], "network": []],
                "probe": ["limits": ["cpu_ms": 500]], "tool probe": ["limits": ["cpu_ms": 700]],
            ])
        #expect(probe.limits.cpu == .milliseconds(700))
        #expect(probe.limits.wall == .seconds(1))
        #expect(probe.ceiling.network == [])
    }

    @Test func `A policy never raises`() throws {
        let probe = try plugin(
            ["limits": ["cpu_ms": 100], "permissions": ["exec": ["git"], "state_kb": 1]],
            policy: ["*": ["exec": ["*"], "model": true, "state_kb": 9, "limits": ["cpu_ms": 900]]])
        #expect(probe.limits.cpu == .milliseconds(100))
        #expect(probe.permissions.programs == ["git"])
        #expect(!probe.permissions.model)
        #expect(probe.permissions.state == 1 << 10)
    }

    static let denials: [(String, JSONValue, String)] = [
        ("ws.exec({ 'ls' })", ["exec": []], #""exec": ["PROGRAM"]"#),
        ("ws.exec({ 'ls' })", ["exec": ["git"]], #""exec": ["ls"]"#),
        ("ws.read('a')", ["fs": [["path": "b", "mode": "r"]]], #""fs": [{"path": "a", "mode": "r"}]"#),
        ("ws.write('a', '')", ["writes": false], #""writes": true"#),
        ("ws.write('a', '')", ["fs": [["path": "**", "mode": "r"]]], #""fs": [{"path": "**", "mode": "rw"}]"#),
        ("chat({})", ["model": false], #""model": true"#),
    ]

    @Test(arguments: denials) func `A call that the policy denies names the line that would allow it`(
        _ call: String, _ granted: JSONValue, _ line: String
    ) async throws {
        let error = try await failure(call, Self.all, ["*": granted])
        #expect(error.code == "E_PERMISSION")
        #expect(error.modelMessage == "not permitted")
        #expect(
            error.message.hasSuffix(
                "; the run's plugin policy would allow it with \"plugins\": {\"probe\": {\(line)}}"), "\(error)")
    }

    @Test func `What both deny names both lines`() async throws {
        let error = try await failure("ws.exec({ 'ls' })", [:], ["*": ["exec": []]])
        #expect(error.message.contains(#"the manifest would allow it with "permissions""#))
        #expect(error.message.contains("the run's plugin policy would allow it with"))
    }

    @Test func `A call limit of the policy ends the call`() async throws {
        let error = try await failure(
            "(function() for i = 1, 9 do clock.now() end end)()", [:], ["*": ["limits": ["host_calls": 5]]])
        #expect(error.code == "limit")
        #expect(error.message == "ran out of host calls: limits.host_calls is 5")
    }

    // MARK: The kernel's part

    private static func only(_ rules: String...) -> Confinement.Network {
        .only(rules.compactMap { try? EgressRule($0) })
    }

    static let confinements: [(JSONObject, JSONValue, Bool, [String]?, Confinement.Network)] = [
        (["permissions": ["exec": ["*"]]], [:], true, nil, .inherited),
        (["permissions": ["exec": ["git"]]], [:], false, ["git"], .none),
        (
            ["permissions": ["exec": ["git"]], "effects": ["writes": true, "network": true]], [:], true, ["git"],
            .inherited
        ),
        (["permissions": ["exec": ["*"]], "effects": ["writes": false, "network": false]], [:], false, nil, .none),
        (["permissions": ["exec": ["*"], "fs": [["path": "**", "mode": "r"]]]], [:], false, nil, .inherited),
        (["permissions": ["exec": ["*"], "fs": [["path": "out/**", "mode": "rw"]]]], [:], false, nil, .inherited),
        (["permissions": ["exec": ["*"], "fs": [["path": "**", "mode": "rw"]]]], [:], true, nil, .inherited),
        (["permissions": ["exec": ["*"], "network": ["a.org:443"]]], [:], true, nil, only("a.org:443")),
        (["permissions": ["exec": ["*"], "network": ["*"]]], [:], true, nil, .inherited),
        (["permissions": ["exec": ["*"]]], ["exec": ["git"], "writes": false, "network": []], false, ["git"], .none),
        (["permissions": ["exec": ["*"]]], ["network": ["a.org:443"]], true, nil, only("a.org:443")),
        (["permissions": ["exec": ["git", "ls"]]], ["exec": ["ls", "rm"]], false, ["ls"], .none),
        (
            ["permissions": ["exec": ["*"], "network": ["*.a.org", "b.org:22"]]],
            ["network": ["x.a.org:443", "b.org:443", "*.y.a.org:80"]], true, nil, only("x.a.org:443", "*.y.a.org:80")
        ),
        (["permissions": ["exec": ["*"], "network": ["a.org"]]], ["network": ["b.org"]], true, nil, .none),
    ]

    @Test(arguments: confinements) func `Processes are held to what is declared and granted`(
        _ extra: JSONObject, _ granted: JSONValue, _ writes: Bool, _ programs: [String]?, _ network: Confinement.Network
    ) throws {
        let confinement = try plugin(extra, policy: ["probe": granted]).permissions.confinement
        #expect(confinement.writes == writes)
        #expect(confinement.programs == programs)
        #expect(confinement.network == network)
    }

    @Test func `A command carries the confinement of its plugin`() async throws {
        let workspace = FakeWorkspace()
        let tool = try await probe(
            "return { run = function() ws.exec({ 'git' }) return 1 end }", ["permissions": ["exec": ["git"]]],
            host: {
                var services = HostServices()
                services.workspace = workspace
                return services
            }())
        _ = try await tool.call("run", [[:]])
        let request = try #require(workspace.requests.withLock { $0.first })
        #expect(request.confinement.programs == ["git"])
        #expect(!request.confinement.writes)
        #expect(request.confinement.network == .none)
    }
}
