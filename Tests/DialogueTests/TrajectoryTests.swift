import JSON
import Testing
import Trace
import Workspaces

@testable import Dialogue

/// Whole trajectories in real workspaces.
struct TrajectoryTests {
    @Test func `A scripted trajectory fails, recovers, reaches its goals and is recorded whole`() async throws {
        let performance = try await Theatre.perform()
        let result = performance.result
        #expect(result.outcome == .completed)
        #expect(result.success == true)
        #expect(result.simulatorSuccess == true)
        #expect(result.goals.map(\.met) == [true, true])
        #expect(result.counts.userTurns == 3)
        #expect(result.counts.toolCalls == 4)
        #expect(result.counts.failures == 1)
        #expect(result.counts.recoveries == 1)
        #expect(result.trace != nil)

        let types = try performance.trace.events().map(\.type)
        #expect(
            types.starts(with: ["start", "intent", "plugins", "prompt", "user_turn", "agent_message", "tool_call"]))
        #expect(types.suffix(4) == ["goal", "goal", "outcome", "end"])
        let messages = try performance.events(.agentMessage).filter { $0["final"] == true }.map { $0["text"] }
        #expect(messages == ["It says: 2\n", "It says: ", "It says: 2\n"])
    }

    @Test func `A command is recorded with its facts below the call that caused it`() async throws {
        let performance = try await Theatre.perform()
        let calls = try performance.events(.toolCall)
        let commands = try performance.events(.exec)
        #expect(commands.map(\.parent) == calls.map(\.sequence))
        #expect(commands.map { $0["exit_code"] } == [2, 0, 0, 0])
        #expect(commands[0]["stderr"]?.string?.contains("No such file") == true)
        #expect(commands[1]["stdout"] == "2\n")
        #expect(try performance.events(.toolResult).map { $0["failed"] } == [true, false, false, false])
    }

    @Test func `The digest tells what each turn did to the files`() async throws {
        let performance = try await Theatre.perform()
        let digests = try performance.events(.digest).map { $0["digest"] }
        #expect(digests[0]?["files"] == ["created": [], "changed": [], "deleted": []])
        #expect(digests[0]?["calls"]?.array?.map { $0["ok"] } == [false, true])
        #expect(digests[0]?["calls"]?.array?.first?["exit_code"] == 2)
        #expect(digests[1]?["files"] == ["created": ["out.txt"], "changed": [], "deleted": ["log/app.log"]])
    }

    @Test func `The same seed gives the same script, another seed another`() async throws {
        let first = try await Theatre.perform().script()
        let second = try await Theatre.perform().script()
        let other = try await Theatre.perform(seed: 8).script()
        #expect(first == second)
        #expect(first != other)
    }

    @Test func `Goals decide, whatever the simulator thinks`() async throws {
        let pessimist = InlinePlugins.Source(
            "simulator", "pessimist",
            """
            return { next = function(view)
              if view.turn == 1 then return { completed = false, query = "Write it.", reason = "r", stage = "1/write" } end
              return { completed = true, query = "", reason = "I do not believe it", is_success = false }
            end }
            """)
        let met = try await Theatre.perform([Theatre.shell, Theatre.agent, pessimist]).result
        #expect(met.outcome == .completed)
        #expect(met.success == true)
        #expect(met.simulatorSuccess == false)

        var task = Theatre.task
        task["goals"] = [["kind": "file_exists", "path": "report.pdf"]]
        let unmet = try await Theatre.perform(tasks: [task]).result
        #expect(unmet.outcome == .failed)
        #expect(unmet.success == false)
        #expect(unmet.simulatorSuccess == true)
        #expect(unmet.reason == "1 of 1 goals are not met: report.pdf does not exist")
    }

    @Test func `Without goals the simulator decides`() async throws {
        var task = Theatre.task
        task["goals"] = nil
        let result = try await Theatre.perform(tasks: [task]).result
        #expect(result.outcome == .completed)
        #expect(result.success == true)
        #expect(result.goals.isEmpty)
    }

    @Test func `Goals are judged in a dialogue that the cap ended, without changing its outcome`() async throws {
        let result = try await Theatre.perform(limits: { $0.userTurns = 2 }).result
        #expect(result.outcome == .turnCap)
        #expect(result.success == true)
        #expect(result.simulatorSuccess == nil)
    }

    @Test func `A refused turn is asked for again and never sent`() async throws {
        let police = InlinePlugins.Source(
            "guard", "police",
            """
            return { check = function(view)
              if view.query:find("happy to help") then return { ok = false, reason = "assistant-speak" } end
              return { ok = true }
            end }
            """)
        let drifting = InlinePlugins.Source(
            "simulator", "drifting",
            """
            return { next = function(view)
              if view.turn == 1 and not view.refused then
                return { completed = false, query = "I'd be happy to help", reason = "r" }
              end
              if view.turn == 1 then
                return { completed = false, query = "Again: " .. view.refused.reason, reason = "r", stage = "1/write" }
              end
              if view.turn == 2 then return { completed = false, query = "Check.", reason = "r", stage = "verify" } end
              return { completed = true, query = "", reason = "done", is_success = true }
            end }
            """)
        let performance = try await Theatre.perform([Theatre.shell, Theatre.agent, drifting, police])
        #expect(performance.result.outcome == .completed)
        #expect(performance.result.counts.refusedProposals == 1)
        #expect(try performance.events(.userTurn).map { $0["text"] } == ["Again: assistant-speak", "Check."])
        #expect(try performance.events(.guard).map { $0["ok"] } == [false, true, true])
    }

    @Test func `A simulator that closes without a check is asked for one`() async throws {
        let hasty = InlinePlugins.Source(
            "simulator", "hasty",
            """
            return { next = function(view)
              if view.turn == 1 then return { completed = false, query = "Write it.", reason = "r", stage = "1/write" } end
              if view.verify_first then return { completed = false, query = "Is it right?", reason = "r" } end
              return { completed = true, query = "", reason = "done", is_success = true }
            end }
            """)
        let performance = try await Theatre.perform([Theatre.shell, Theatre.agent, hasty])
        #expect(performance.result.outcome == .completed)
        let turns = try performance.events(.userTurn)
        #expect(turns.map { $0["stage"] } == ["1/write", "verify"])
        #expect(turns.map { $0["origin"] } == ["simulator", "simulator"])
    }
}

/// Trajectories in which something goes wrong.
struct TrajectoryFailureTests {
    private func agent(_ body: String) -> InlinePlugins.Source {
        InlinePlugins.Source("agent", "odd", "return { next = function(view) \(body) end }")
    }

    private func outcome(agent body: String) async throws -> TrajectoryResult {
        try await Theatre.perform([Theatre.shell, agent(body), Theatre.simulator]).result
    }

    private func outcome(simulator body: String) async throws -> TrajectoryResult {
        let simulator = InlinePlugins.Source("simulator", "odd", "return { next = function(view, ctx) \(body) end }")
        return try await Theatre.perform([Theatre.shell, Theatre.agent, simulator]).result
    }

    @Test func `An agent that repeats itself stalls`() async throws {
        let result = try await outcome(
            agent: #"return { calls = { { name = "exec", arguments = { command = "true" } } } }"#)
        #expect(result.outcome == .stalled)
        #expect(result.counts.toolCalls == 3)
    }

    @Test(arguments: [
        "error('boom')", "return 3", "return { calls = 'x' }", "return { calls = { {} } }", "return { say = ' ' }",
        "return { stop = 'lost' }", "while true do end", "ctx = nil; return ctx.x",
    ])
    func `An agent that breaks its contract is an agent error`(body: String) async throws {
        let result = try await outcome(agent: body)
        #expect(result.outcome == .agentError)
        #expect(result.trace != nil)
    }

    @Test(arguments: [
        "error('boom')", "return 3", "return {}", "return { completed = false, query = '' }",
        "return { completed = true, query = '' }", "return ctx.fail('simulator_malformed', 'no JSON')",
    ])
    func `A simulator that breaks its contract is a simulator error`(body: String) async throws {
        let result = try await outcome(simulator: body)
        #expect(result.outcome == .simulatorError)
        #expect(result.counts.userTurns == 0)
    }

    @Test func `A guard that breaks is nobody's fault in the dialogue`() async throws {
        let guardian = InlinePlugins.Source("guard", "broken", "return { check = function(view) return {} end }")
        let result = try await Theatre.perform([Theatre.shell, Theatre.agent, Theatre.simulator, guardian]).result
        #expect(result.outcome == .infrastructure)
        #expect(result.reason.contains("broken"))
    }

    @Test func `A tool's defect is counted and the dialogue goes on`() async throws {
        let broken = InlinePlugins.Source(
            "tool", "exec", ["parameters": ["type": "object", "additionalProperties": true]],
            "return { run = function() return nil end }")
        var task = Theatre.task
        task["goals"] = nil
        let result = try await Theatre.perform([broken, Theatre.agent, Theatre.simulator], tasks: [task]).result
        #expect(result.outcome == .completed)
        #expect(result.counts.pluginBugs == 4)
    }

    @Test func `A fixture that cannot be laid out is an infrastructure failure`() async throws {
        var task = Theatre.task
        task["fixture"] = ["commands": [["false"]]]
        let result = try await Theatre.perform(tasks: [task]).result
        #expect(result.outcome == .infrastructure)
        #expect(result.reason.contains("`false` ended with exit code 1"))
    }

    @Test func `An unknown goal kind stops a trajectory before it begins`() async throws {
        var task = Theatre.task
        task["goals"] = [["kind": "file_eats"]]
        let performance = try await Theatre.perform(tasks: [task])
        #expect(performance.result.outcome == .infrastructure)
        #expect(performance.result.reason.contains("`file_eats`"))
        #expect(try performance.events(.userTurn).isEmpty)
        #expect(try performance.events(.outcome).map { $0["outcome"] } == ["infrastructure"])
    }

    @Test func `A plugin that does not load stops a trajectory before it begins`() async throws {
        let broken = InlinePlugins.Source("tool", "exec", "return { walk = function() end }")
        let result = try await Theatre.perform([broken, Theatre.agent, Theatre.simulator]).result
        #expect(result.outcome == .infrastructure)
    }

    @Test func `A budget of calls ends a dialogue with every call answered`() async throws {
        let eager = agent(
            """
            local calls = {}
            for i = 1, 5 do calls[i] = { name = "exec", arguments = { command = "echo " .. i } } end
            return { calls = calls }
            """)
        let performance = try await Theatre.perform(
            [Theatre.shell, eager, Theatre.simulator], limits: { $0.toolCalls = 3 })
        #expect(performance.result.outcome == .budget)
        #expect(try performance.events(.exec).count == 3)
        let results = try performance.events(.toolResult)
        #expect(results.count == 5)
        #expect(results.map { $0["error"]?["code"] } == [nil, nil, nil, "not_run", "not_run"])
    }

    @Test(arguments: [sleepInACall, sleepInTheFixture, sleepInAGoal])
    func `A cancelled trajectory ends as cancelled with its trace finished`(task: JSONValue) async throws {
        let running = Task { try await Theatre.perform(tasks: [task]) }
        // Wherever the cancellation arrives, before the workspace opens or while the command sleeps, the outcome is the same.
        try await Task.sleep(for: .milliseconds(300))
        running.cancel()
        let result = try await running.value.result
        #expect(result.outcome == .cancelled)
        #expect(result.trace != nil)
        #expect(result.goals.isEmpty)
    }

    private static let sleepInACall: JSONValue = [
        "task": "Sleep",
        "stages": [
            [
                "id": "a", "ask": ["full": "Sleep."],
                "steps": [["tool": "exec", "arguments": ["command": "sleep 600"]]],
            ]
        ], "goals": [["kind": "file_exists", "path": "x"]],
    ]

    private static let sleepInTheFixture: JSONValue = ["task": "Sleep", "fixture": ["commands": [["sleep", "600"]]]]

    private static let sleepInAGoal: JSONValue = [
        "task": "Sleep", "stages": [["id": "a", "ask": ["full": "Rest."], "steps": []]],
        "goals": [["kind": "command", "argv": ["sleep", "600"]]],
    ]
}
