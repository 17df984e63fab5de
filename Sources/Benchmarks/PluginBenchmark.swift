import Glibc
import JSON
import Lua
import Plugins
import Trace
import Workspaces

/// What a plugin costs: a tool call against the bare command, a call into Lua, a fresh state, a worker, the limits.
struct PluginBenchmark {
    var rounds = 100

    private static let tool = """
        local kept = {}
        return {
          run = function(args)
            local r = ws.exec({ args.program })
            return { text = r.stdout, failed = r.code ~= 0, details = { code = r.code } }
          end,
          one = function() return 1 end,
          echo = function(text) return text end,
          host = function(n) for i = 1, n do host.has("ws.exec") end end,
        }
        """

    private static let manifest = """
        --[[plugin
        {"api": 1, "kind": "tool", "name": "bench", "version": "1.0.0", "description": "Is measured.",
         "parameters": {"type": "object", "properties": {"program": {"type": "string", "minLength": 1},
           "note": {"type": "string", "default": "none"}}, "required": ["program"]},
         "permissions": {"exec": ["*"], "fs": [{"path": "**", "mode": "rw"}]}, "limits": {"cpu_ms": 60000}}
        ]]

        """

    func run() async throws -> Report {
        var report = Report()
        let directory = try BenchmarkDirectory()
        defer { directory.remove() }
        try directory.write("tools/bench.lua", Self.manifest + Self.tool)
        let plugin = try PluginCatalog.load(from: [directory.path]).plugin(kind: .tool, named: "bench")
        let workers = PluginWorkers()
        var foreign = plugin
        foreign.engine = .worker(workers)
        let host = try await WorkspaceHost.start()
        var cases = Cases()
        try await addToolCalls(&cases, host, plugin, foreign, directory)
        try await addCalls(&cases, plugin, foreign)
        try await addStates(&cases, plugin, foreign)
        try await cases.measure(rounds: rounds)
        for name in cases.names { report.add(name, cases.samples[name] ?? Sample()) }
        await workers.shutdown()
        await host.shutdown()
        try ComputeLoops.measure(rounds: max(5, rounds / 10), &report)
        addRatios(&report)
        return report
    }

    // MARK: Tool calls

    private func addToolCalls(
        _ cases: inout Cases, _ host: WorkspaceHost, _ plugin: Plugin, _ foreign: Plugin,
        _ directory: BenchmarkDirectory
    ) async throws {
        let workspace = try await host.open()
        let bare = ExecRequest(argv: ["/bin/true"])
        cases.add("exec true: bare workspace") { try await timed { _ = try await workspace.exec(bare) } }
        for (name, plugin) in [("tool", plugin), ("tool in a worker", foreign)] {
            let trace = try TraceWriter(
                id: "bench-\(name.count)", in: directory.path,
                store: ContentStore(directory: directory.path + "/blobs"))
            let call = try await RecordedTool(plugin, workspace, trace)
            cases.add("exec true: \(name), traced") { try await timed { try await call.run("/bin/true") } }
        }
    }

    // MARK: Calls

    private func addCalls(_ cases: inout Cases, _ plugin: Plugin, _ foreign: Plugin) async throws {
        let local = try await PluginInstance(plugin, host: HostServices(), seed: 1)
        let remote = try await PluginInstance(foreign, host: HostServices(), seed: 1)
        let text = LuaValue.bytes([UInt8](repeating: 0x61, count: 10 << 10))
        func each(_ count: Int, _ body: () async throws -> Void) async rethrows -> Duration {
            try await timed { for _ in 0..<count { try await body() } } / count
        }
        let state = try LuaState(name: "bench")
        try await state.load(Array("return { one = function() return 1 end }".utf8), chunk: "bench")
        cases.add("call: C to Lua and back") { ShimCalls.shared.duration(of: 1000) }
        cases.add("call: Swift to Lua and back") { try await each(1000) { _ = try await state.call("one") } }
        cases.add("call: a plugin's function") { try await each(1000) { _ = try await local.callLua("one", []) } }
        cases.add("call: 10 KB through a plugin") {
            try await each(100) { _ = try await local.callLua("echo", [text]) }
        }
        cases.add("call: Lua to the host and back") {
            try await timed { _ = try await local.callLua("host", [1000]) } / 1000
        }
        cases.add("worker: round trip, empty") { try await each(20) { _ = try await remote.callLua("one", []) } }
        cases.add("worker: round trip, 10 KB") { try await each(20) { _ = try await remote.callLua("echo", [text]) } }
        cases.add("worker: call to the host and back") {
            try await timed { _ = try await remote.callLua("host", [50]) } / 50
        }
    }

    // MARK: States

    private func addStates(_ cases: inout Cases, _ plugin: Plugin, _ foreign: Plugin) async throws {
        let source = Array("return { run = function() end }".utf8)
        cases.add("state: fresh, no host functions") {
            try await timed {
                let state = try LuaState(name: "bench")
                try await state.load(source, chunk: "bench")
            }
        }
        cases.add("state: fresh, a plugin with all its host functions") {
            try await timed { _ = try await PluginInstance(plugin, host: HostServices(), seed: 1) }
        }
        cases.add("state: fresh, in a fresh worker") {
            try await timed { _ = try await PluginInstance(foreign, host: HostServices(), seed: 1) }
        }
    }

    private func addRatios(_ report: inout Report) {
        report.addRatio("tool_call_vs_bare_exec", "exec true: tool, traced", "exec true: bare workspace")
        report.addRatio(
            "worker_tool_call_vs_bare_exec", "exec true: tool in a worker, traced", "exec true: bare workspace")
        for loop in ComputeLoops.all {
            report.addRatio("limits_\(loop.name)", "\(loop.name): with limits", "\(loop.name): plain Lua")
        }
    }
}

/// A tool whose calls are recorded as those of a trajectory are.
private final class RecordedTool: Sendable {
    private let instance: PluginInstance
    private let trace: TraceWriter

    init(_ plugin: Plugin, _ workspace: Workspace, _ trace: TraceWriter) async throws {
        var services = HostServices()
        services.workspace = workspace
        services.onExec = { request, result in
            let argv = request.argv.map { String(decoding: $0, as: UTF8.self) }
            _ = try? trace.append(
                .exec(
                    argv: argv, directory: request.directory, facts: ["exit_code": .int(result.exitCode ?? -1)],
                    stdout: result.stdout.bytes, stderr: result.stderr.bytes, call: nil, turn: 1))
        }
        instance = try await PluginInstance(plugin, host: services, seed: 1)
        self.trace = trace
    }

    func run(_ program: String) async throws {
        let arguments: JSONValue = ["program": .string(program)]
        let call = try trace.append(
            .toolCall(id: "call", tool: "bench", arguments: arguments, plugin: instance.plugin.hash, turn: 1))
        let answer = try await instance.call("run", [arguments])
        try trace.append(
            .toolResult(
                call: call, id: "call", tool: "bench", text: answer["text"]?.string ?? "",
                failed: answer["failed"]?.bool ?? true, details: answer["details"], turn: 1))
    }
}
