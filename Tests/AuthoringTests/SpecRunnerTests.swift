import JSON
import Plugins
import Testing
import Workspaces

@testable import Authoring

@Suite struct SpecRunnerTests {
    private static let tool = """
        return { run = function(args, ctx)
          if args.n == 1 then return { text = ws.exec({ 'git', 'status', '-s' }).stdout } end
          if args.n == 2 then return { text = ws.read('notes.txt') } end
          if args.n == 3 then return nil + 1 end
          if args.n == 4 then return ctx.fail('odd', 'four is odd', { n = 4 }) end
          if args.n == 5 then return { text = chat({ messages = { { role = 'user', content = 'hi' } } }).message.content } end
          if args.n == 6 then return { text = tostring(clock.now()) .. ' ' .. random.int(1, 1000000) } end
          return { text = 'ok', list = { 1, 2 } }
        end }
        """

    @Test func `Tests pass and fail with the line of the spec`() async throws {
        let workshop = try Workshop(
            Self.tool,
            spec: """
                t.describe('a group', function()
                  t.it('passes', function() t.equal(t.run({}).text, 'ok') end)
                  t.it('fails', function()
                    t.same(t.run({}), { text = 'ok', list = { 1, 3 } })
                  end)
                  t.it('meets a bug', function() t.run({ n = 3 }) end)
                  t.it('is told the error', function()
                    local problem = t.fails_with('odd', function() t.run({ n = 4 }) end)
                    t.equal(problem.message, 'four is odd')
                    t.equal(problem.details.n, 4)
                  end)
                  t.it('does not know', function() t.equals(1, 1) end)
                  t.it('is for later', function() t.fail('no') end, { skip = 'not yet' })
                end)
                """)
        let results = try await workshop.run()
        #expect(results.map(\.name).first == "a group › passes")
        #expect(results.map { $0.outcome == .passed } == [true, false, false, true, false, false])
        #expect(results[1].failure?.message == "list[2]: expected 3, got 2")
        #expect(results[1].failure?.file == "spec/probe_spec.lua" && results[1].failure?.line == 5)
        #expect(results[2].failure?.message.hasPrefix("plugin_bug: attempt to perform arithmetic") == true)
        #expect(results[2].failure?.line == 7)
        #expect(results[2].failure?.details.first == "raised by the plugin at main.lua:4")
        #expect(results[4].failure?.message == "@test has no \"equals\"; did you mean \"equal\"?")
        #expect(results[5].outcome == .skipped("not yet"))
    }

    @Test func `Arguments are made up for a schema with bounds that no call can keep`() async throws {
        let parameters: JSONValue = [
            "type": "object", "required": ["a", "b", "c", "d", "e", "f"],
            "properties": [
                "a": ["type": "integer", "minimum": 1e300], "b": ["type": "integer", "exclusiveMinimum": .int(.max)],
                "c": ["type": "integer", "maximum": -1e300], "d": ["type": "integer", "exclusiveMaximum": .int(.min)],
                "e": ["type": "string", "minLength": 1_000_000_000_000],
                "f": ["type": "array", "minItems": .int(.max), "items": ["type": "boolean"]],
            ],
        ]
        let workshop = try Workshop(Self.tool, spec: "", extra: ["parameters": parameters])
        let results = try await workshop.run { $0.fuzz = 50 }
        #expect(results.map(\.outcome) == [.passed])
    }

    @Test func `Waiting for a job of a fake workspace takes virtual time only`() async throws {
        let workshop = try Workshop(
            """
            return { run = function()
              local id = ws.start({ 'sleep', '99999' }).job
              local before = clock.now()
              local ended = job.wait(id, { at_most_ms = 3600000 })
              local state = job.poll(id, { wait_ms = 3600000 })
              return { text = string.format('%.0f %s %s', clock.now() - before, ended, state.running) }
            end }
            """,
            spec:
                "t.it('waits', function() t.equal(t.run({}, { ws = t.workspace({ exec = { ['sleep *'] = { running = true } } }) }).text, '7200 nil true') end)"
        )
        #expect(try await workshop.failures() == [])
    }

    @Test func `Commands are answered as the spec says, and not otherwise`() async throws {
        let workshop = try Workshop(
            Self.tool,
            spec: """
                local function answer(exec) return t.run({ n = 1 }, { ws = t.workspace({ exec = exec }) }).text end
                t.it('by name', function() t.equal(answer({ ['git status -s'] = 'M a\\n' }), 'M a\\n') end)
                t.it('by pattern', function() t.equal(answer({ ['git *'] = { stdout = 'x', code = 1 } }), 'x') end)
                t.it('by arguments', function() t.equal(answer({ { { 'git', '*' }, stdout = 'y' } }), 'y') end)
                t.it('by a function', function()
                  t.equal(answer(function(request, ws) ws:write('made', request.argv[2]) return ws:read('made') end), 'status')
                end)
                t.it('in turn', function()
                  local ws = t.workspace({ exec = { ['git *'] = { { stdout = '1' }, { stdout = '2' } } } })
                  local texts = {}
                  for i = 1, 3 do texts[i] = t.run({ n = 1 }, { ws = ws }).text end
                  t.same(texts, { '1', '2', '2' })
                  t.equal(#ws.commands, 3)
                end)
                t.it('with an error', function()
                  t.fails_with('E_COMMAND_NOT_FOUND', function() answer({ ['*'] = { error = 'E_COMMAND_NOT_FOUND' } }) end)
                end)
                t.it('not at all', function() pcall(answer, { ['git log'] = '' }) end)
                t.it('without a workspace', function() t.run({ n = 1 }) end)
                """)
        let results = try await workshop.run()
        #expect(results.prefix(6).map { $0.outcome == .passed } == [true, true, true, true, true, true])
        let missing = results[6].failure?.message ?? ""
        #expect(results[7].failure?.message.hasPrefix("E_UNAVAILABLE") == true)
        #expect(missing == "" || missing.contains("add exec = { [\"git status -s\"] = { stdout = \"…\" } }"))
    }

    @Test func `Files, faults, models, time and chance are as the spec says`() async throws {
        let workshop = try Workshop(
            Self.tool,
            spec: """
                t.it('reads', function()
                  t.equal(t.run({ n = 2 }, { ws = t.workspace({ files = { ['notes.txt'] = '\\xff1' } }) }).text, '\\u{fffd}1')
                end)
                t.it('fails', function()
                  local ws = t.workspace({ files = { ['notes.txt'] = '1' } })
                  local faults = { { call = 'ws.read', nth = 2, code = 'E_IO' } }
                  t.equal(t.run({ n = 2 }, { ws = ws, faults = faults }).text, '1')
                  t.fails_with('E_IO', function() t.run({ n = 2 }, { ws = ws, faults = { { call = 'ws.read', code = 'E_IO' } } }) end)
                end)
                t.it('asks', function()
                  local chat = { 'hello', { error = 'E_MODEL', message = 'gone' } }
                  t.equal(t.run({ n = 5 }, { chat = chat }).text, 'hello')
                  t.fails_with('E_MODEL', function() t.run({ n = 5 }, { chat = chat }) end)
                  t.equal(chat.asked[1].messages[1].content, 'hi')
                end)
                t.it('draws', function()
                  local first = t.run({ n = 6 }, { seed = 7, now = 5 })
                  t.matches(first.text, '^5.0 %d+$')
                  t.same(t.run({ n = 6 }, { seed = 7, now = 5, ws = t.workspace() }), first)
                  t.is_false(t.run({ n = 6 }, { seed = 8, now = 5 }).text == first.text)
                end)
                """)
        #expect(try await workshop.failures() == [])
    }

    @Test func `Jobs run on, answer input and end by signals`() async throws {
        let workshop = try Workshop(
            """
            return { run = function()
              local id = ws.start({ 'calc' }).job
              local hello = job.poll(id).stdout
              job.write(id, '1+1\\n')
              local answer = job.poll(id, { offset = #hello })
              local ended = job.kill(id)
              return { text = hello .. answer.stdout, running = answer.running, signal = ended.signal }
            end }
            """,
            spec: """
                t.it('talks', function()
                  local ws = t.workspace({ exec = { calc = { running = true, stdout = '> ', replies = { ['1+1\\n'] = '2\\n' } } } })
                  t.same(t.run({}, { ws = ws }), { text = '> 2\\n', running = true, signal = 9 })
                end)
                """)
        #expect(try await workshop.failures() == [])
    }

    @Test func `Other kinds are called by name, and their data is read`() async throws {
        let workshop = try Workshop(
            kind: .library, "return { add = function(a, b) return a + b end, names = { 'x' } }",
            spec: """
                t.it('adds', function() t.equal(t.call('add', 2, 3), 5) end)
                t.it('has names', function() t.same(t.value('names'), { 'x' }) end)
                t.it('is there as a module', function() t.equal(require('@probe').add(1, 1), 2) end)
                """)
        #expect(try await workshop.failures() == [])
    }

    @Test func `A golden file is recorded, compared and updated`() async throws {
        let workshop = try Workshop(
            Self.tool,
            spec:
                "t.it('is golden', function() t.golden('One Call', { n = 2 }, { ws = t.workspace({ files = { ['notes.txt'] = '1' } }) }) end)"
        )
        let missing = try await workshop.failures()
        #expect(missing.first?.hasSuffix("one-call.json; `--update` records it") == true)
        #expect(try await workshop.failures { $0.updates = true } == [])
        #expect(try await workshop.failures() == [])
        let file = "tools/probe/spec/probe_golden/one-call.json"
        let recorded = String(decoding: try workshop.directory.read(file), as: UTF8.self)
        #expect(recorded.contains("ws.read"))
        try workshop.directory.put(file, recorded.replacing("\"1\"", with: "\"2\""))
        #expect(try await workshop.failures().first?.contains("result: expected \"2\", got \"1\"") == true)
    }

    @Test func `Run twice, what differs is found`() async throws {
        let workshop = try Workshop(
            "local n = 0 return { run = function() return { text = tostring(clock.now()) } end }",
            spec: "t.it('is stable', function() t.run({}) end)")
        #expect(try await workshop.failures { $0.twice = true } == [])
    }

    @Test func `Each host call fails once, and a plugin that breaks by it is found`() async throws {
        let spec =
            "t.it('reads', function() t.run({ n = 1 }, { ws = t.workspace({ files = { a = '1', b = '2' } }) }) end)"
        let careless = try Workshop(
            "return { run = function() local a = ws.stat('a') local ok, b = pcall(ws.read, 'b') return { text = a.kind .. b:sub(1) } end }",
            spec: spec)
        let failures = try await careless.failures { $0.faults = true }
        #expect(
            failures.count == 1 && failures.first?.contains("host call 2, ws.read, fails and the plugin breaks") == true
        )
        let careful = try Workshop(
            "return { run = function() return { text = ws.read('a') .. ws.read('b') } end }", spec: spec)
        let results = try await careful.run { $0.faults = true }
        #expect(results.last?.mode == "faults" && results.last?.notes == ["2 host calls failed in turn"])
    }

    @Test func `In both workspaces, the fake that lies is named`() async throws {
        let workshop = try Workshop(
            "return { run = function() local r = ws.exec({ 'cat', 'a' }) return { text = r.code .. r.stdout } end }",
            spec: """
                local function run(answer) return t.run({}, { ws = t.workspace({ files = { a = 'x' }, exec = { ['cat a'] = answer } }) }) end
                t.it('is right', function() t.equal(run('x').text, '0x') end)
                t.it('says otherwise', function() run('y') end)
                t.it('decides otherwise', function() run({ code = 1 }) end)
                t.it('passes in the fake only', function() t.equal(run('z').text, '0z') end)
                t.it('is for real only', function() t.equal(run().text, '0x') end, { only = 'real' })
                """)
        let host = try await WorkspaceHost.start()
        let results = try await workshop.run({ $0.real = true }, host: host)
        await host.shutdown()
        let real = results.filter { $0.mode == "real" }
        #expect(results.count == 9 && real.count == 5)
        #expect(real[0].outcome == .passed && real[0].notes == [])
        #expect(real[1].outcome == .passed)
        #expect(real[1].notes.first?.contains("stdout: the real workspace has \"x\", the fake \"y\"") == true)
        #expect(real[2].failure?.message.hasPrefix("the fake lies: ws.exec([\"cat\",\"a\"])") == true)
        #expect(real[3].failure?.message.hasPrefix("it passes in the fake workspace only") == true)
        #expect(real[4].outcome == .passed)
    }
}

@Suite struct CoverageTests {
    @Test func `Lines that never ran are named, of functions that nobody calls, too`() async throws {
        let workshop = try Workshop(
            """
            local function never()
              return 1
            end
            return { run = function(args)
              if args.n == 1 then
                return { text = never() }
              end
              return { text = ws.read('a') }
            end }
            """,
            spec: "t.it('reads', function() t.run({}, { ws = t.workspace({ files = { a = '1' } }) }) end)")
        let coverage = Coverage(workshop.plugin)
        var runner = SpecRunner(workshop.plugin, SpecRunner.Options(), host: nil)
        runner.coverage = coverage
        let results = try await runner.run()
        #expect(results.compactMap(\.failure) == [])
        let file = try #require(coverage.files.first)
        #expect(file.missed == ["2", "6"])
        #expect(file.covered == file.lines - 2)
        let use = PermissionUse(workshop.plugin, results)
        #expect(use.unused.contains("permissions.model (ask a model)"))
        #expect(!use.unused.contains("permissions.fs (read files)"))
    }
}
