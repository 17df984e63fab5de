import JSON
import Plugins
import Synchronization
import Testing
import Workspaces

/// `ws.start`, `job.*` and a patient `ws.exec`, in a real workspace.
@Suite struct JobFunctionTests {
    private static let mayRun: JSONObject = ["permissions": ["exec": ["*"], "state_kb": 1]]

    private func run(
        _ body: String, _ extra: JSONObject = mayRun, host change: (inout HostServices) -> Void = { _ in }
    ) async throws -> JSONValue {
        let host = try await WorkspaceHost.start()
        let workspace = try await host.open()
        var services = HostServices()
        services.workspace = workspace
        change(&services)
        let tool = try await probe("return { run = function(args, ctx) \(body)\nend }", extra, host: services)
        let result: Result<JSONValue, PluginError>
        do { result = .success(try await tool.call("run", [[:]])) } catch { result = .failure(error) }
        await workspace.close()
        await host.shutdown()
        return try result.get()
    }

    @Test func `A job is written to, polled from an offset, and ends`() async throws {
        let value = try await run(
            """
            local j = ws.start({ 'sh', '-c', 'while read l; do echo got $l; done; echo bye >&2; exit 4' }, { keep_input = true })
            job.write(j.job, 'one\\n')
            local first = job.poll(j.job, { wait_ms = 20000 })
            job.write(j.job, 'two\\n')
            local second = job.poll(j.job, { offset = first.offset, wait_ms = 20000 })
            job.finish_input(j.job)
            local result = job.wait(j.job)
            local last = job.poll(j.job, { offset = second.offset })
            return { j.job, first.stdout, first.running, second.stdout, result.code, last.stdout, last.stderr, last.code, last.running }
            """)
        #expect(value == ["job-1", "got one\n", true, "got two\n", 4, "", "bye\n", 4, false])
    }

    @Test func `A command that outlasts patience goes on as a job and can be killed`() async throws {
        let ended = Mutex<[String]>([])
        let value = try await run(
            """
            local quick = ws.exec({ 'echo', 'x' }, { patience_ms = 60000 })
            local slow = ws.exec({ 'sh', '-c', 'echo begun; sleep 1000' }, { patience_ms = 300 })
            local listed = job.list()
            local killed = job.kill(slow.job)
            job.remove(slow.job)
            return { quick.stdout, quick.code, slow.running, slow.code == nil, #listed, killed.signal, #job.list() }
            """
        ) { services in
            services.onJobEnd = { id, _, result in ended.withLock { $0.append("\(id) \(result.endedBy.rawValue)") } }
        }
        #expect(value == ["x\n", 0, true, true, 1, 9, 0])
        #expect(ended.withLock { $0 } == ["job-1 cancelled"])
    }

    @Test func `A terminal takes keys and a size`() async throws {
        let value = try await run(
            """
            local j = ws.start({ 'sh', '-c', 'stty size; read line; echo "<$line>"; sleep 1000' }, { pty = true })
            job.poll(j.job, { wait_ms = 20000 })
            job.keys(j.job, { 'h', 'i', 'Enter' })
            local out = ''
            while not out:find('<hi>', 1, true) do
              local p = job.poll(j.job, { wait_ms = 1000 })
              out = p.stdout
            end
            job.keys(j.job, { 'C-c' })
            local result = job.wait(j.job, { at_most_ms = 20000 })
            local _, wrong = pcall(job.keys, j.job, { 'Entr' })
            return { out:find('24 80', 1, true) ~= nil, result.running == nil, result.code ~= 0, wrong.code }
            """)
        #expect(value == [true, true, true, "E_ARGUMENT"])
    }

    @Test func `A job that is not there is named with those that are`() async throws {
        let value = try await run(
            """
            local none = select(2, pcall(job.poll, 'job-7'))
            ws.start({ 'sleep', '1000' })
            local other = select(2, pcall(job.poll, 'job-7'))
            return { none.code, none.message, other.message }
            """)
        #expect(
            value == [
                "E_NOJOB", "there is no job \"job-7\"; none was started", "there is no job \"job-7\"; there are job-1",
            ])
    }

    @Test func `Without the permission to run programs there are no jobs`() async throws {
        let value = try await run("return select(2, pcall(function() return job.list() end)).code", [:])
        #expect(value == "E_PERMISSION")
    }

    @Test func `A long output is polled in pieces, and what was not kept is counted`() async throws {
        let value = try await run(
            """
            local j = ws.start({ 'sh', '-c', 'yes 0123456 | head -c 80000' }, { max_bytes = 8000 })
            job.wait(j.job)
            local first = job.poll(j.job, { max_bytes = 3000 })
            local rest = job.poll(j.job, { offset = first.offset })
            local tail = job.poll(j.job, { offset = rest.offset })
            return { #first.stdout, first.missed, #rest.stdout, rest.missed, #tail.stdout, tail.missed, tail.offset }
            """)
        #expect(value == [3000, 0, 1000, 0, 4000, 72000, 80000])
    }

    // MARK: State and sleep

    @Test func `State is kept between calls, for each plugin, within its bound`() async throws {
        let store = PluginStore()
        var services = HostServices()
        services.store = store
        let actions = Mutex<[String]>([])
        services.onAction = { call in actions.withLock { $0.append(call.function) } }
        let source = """
            return { run = function()
              local n = (state.get('n') or { count = 0 }).count + 1
              state.set('n', { count = n })
              state.delete('other')
              local _, e = pcall(state.set, 'big', ('x'):rep(2000))
              return { n, e.code, state.get('big') == nil }
            end }
            """
        let tool = try await probe(source, Self.mayRun, host: services)
        _ = try await tool.call("run", [[:]])
        let again = try await probe(source, Self.mayRun, host: services)
        #expect(try await again.call("run", [[:]]) == [2, "E_TOO_BIG", true])
        #expect(store.all(of: "tool probe") == ["n": ["count": 2]])
        #expect(actions.withLock { $0.prefix(3) } == ["state.set", "state.delete", "state.set"])
    }

    @Test func `A sleep is the host's`() async throws {
        let slept = Mutex<[Duration]>([])
        var services = HostServices()
        services.sleep = { time in slept.withLock { $0.append(time) } }
        let tool = try await probe("return { run = function() clock.sleep(86400000) return 1 end }", host: services)
        #expect(try await tool.call("run", [[:]]) == 1)
        #expect(slept.withLock { $0 } == [.seconds(86400)])
    }

    @Test func `A service that the run does not give is said to be missing, one without permission is denied`()
        async throws
    {
        let body = """
            return { run = function()
              return { select(2, pcall(function() return http.fetch({}) end)).code,
                select(2, pcall(function() return sessions.list() end)).code }
            end }
            """
        let tool = try await probe(body, ["permissions": ["network": ["*"]]])
        #expect(try await tool.call("run", [[:]]) == ["E_UNAVAILABLE", "E_PERMISSION"])
        var services = HostServices()
        services.functions["http.fetch"] = { request in ["saw": request["url"] ?? .null] }
        let other = try await probe(
            "return { run = function() return http.fetch({ url = 'x' }).saw end }", ["permissions": ["network": ["*"]]],
            host: services)
        #expect(try await other.call("run", [[:]]) == "x")
    }
}
