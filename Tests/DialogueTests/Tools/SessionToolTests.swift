import Glibc
import JSON
import TestSupport
import Testing
import Trace

@testable import Dialogue

/// Dialogues below a dialogue, with the shipped tools and agents that follow a script.
struct SessionToolTests {
    private static let tools = [
        "exec", "sessions_spawn", "sessions_send", "sessions_list", "sessions_history", "session_status", "subagents",
        "agents_list", "cron",
    ]

    private static let query: JSONValue = [
        "id": "q", "task_type": "direct_query", "natural_language_intent": "Count the errors with help.",
    ]

    /// Runs `main` (Lua: step number, view -> answer) as the main agent and `child` as the agent of sessions below.
    private func perform(
        main: String, child: String, tasks: [JSONValue] = [], limits: (inout DialogueLimits) -> Void = { _ in }
    ) async throws -> Theatre.Performance {
        let agent = InlinePlugins.Source(
            "agent", "both",
            """
            local function call(name, arguments) return { calls = { { name = name, arguments = arguments } } } end
            local function last(view) return view.messages[#view.messages].content end
            local function main(step, view) \(main) end
            local function child(step, view) \(child) end
            local steps = 0
            return { next = function(view)
              steps = steps + 1
              local isChild = view.system:find("another agent has started", 1, true)
              return (isChild and child or main)(steps, view)
            end }
            """)
        return try await Theatre.perform(
            [agent, Theatre.simulator], shipped: Self.tools, tasks: tasks, intent: Self.query, limits: limits)
    }

    private func verify(_ trace: TestTrace, _ name: String) throws -> TraceVerification {
        try TraceVerifier(store: ContentStore(directory: trace.directory.file("blobs")))
            .verify(trace.directory.file("\(name).jsonl"))
    }

    @Test func `A session works in the same workspace, and its answer comes to the agent that started it`() async throws
    {
        let performance = try await perform(
            main: """
                if step == 1 then return call("exec", { command = "printf 'ERROR a\\\\nok\\\\nERROR b\\\\n' > app.log" }) end
                if step == 2 then return call("sessions_spawn", { task = "Count ERROR in app.log, write it to n.txt", label = "count" }) end
                if step == 3 then return { say = "I wait." } end
                return { say = "Done: " .. last(view) }
                """,
            child: """
                if step == 1 then return call("exec", { command = "grep -c ERROR app.log | tee n.txt" }) end
                return { say = "There are " .. view.results[1].text:gsub("%s", "") .. " errors." }
                """)
        #expect(performance.result.outcome == .completed, "\(performance.result.reason)")
        let messages = try performance.events(.agentMessage).compactMap { $0["text"]?.string }
        #expect(messages.last?.contains("There are 2 errors.") == true, "\(messages)")
        let event = try #require(performance.events(.event).first)
        #expect(event["source"] == "session")
        #expect(event["text"]?.string?.contains("sub-1 \"count\" has finished; 1 tool calls, 0 of them failed") == true)
        let session = try #require(performance.events(.session).first)
        #expect(session["outcome"] == "completed")
        #expect(session["trace"] == "t1.sub-1.jsonl")
        let child = try verify(performance.trace, "t1.sub-1")
        #expect(child.problems.isEmpty)
        #expect(child.digest?.hex == session["digest"]?.string)
        #expect(performance.result.counts.toolCalls == 2)
    }

    @Test func `A session in a copy of the workspace changes nothing here`() async throws {
        let performance = try await perform(
            main: """
                if step == 1 then return call("exec", { command = "echo mine > a.txt" }) end
                if step == 2 then return call("sessions_spawn", { task = "Change a.txt", sandbox = "require" }) end
                if step == 3 then return { say = "I wait." } end
                if step == 4 then return call("exec", { command = "cat a.txt" }) end
                return { say = view.results[#view.results].text .. last(view) }
                """,
            child: """
                if step == 1 then return call("exec", { command = "cat a.txt; echo theirs > a.txt; cat a.txt" }) end
                return { say = view.results[1].text }
                """)
        let said = try performance.events(.agentMessage).compactMap { $0["text"]?.string }.last ?? ""
        #expect(said.hasPrefix("mine\n"))
        let event = try #require(performance.events(.event).first)
        #expect(event["text"]?.string?.hasSuffix("mine\ntheirs\n") == true)
    }

    @Test func `A session that is kept answers again, and its history can be read`() async throws {
        let performance = try await perform(
            main: """
                if step == 1 then return call("sessions_spawn", { task = "Say one", mode = "session", label = "talker" }) end
                if step == 2 then return { say = "I wait." } end
                if step == 3 then return call("sessions_send", { label = "talker", message = "Say two", timeoutSeconds = 60 }) end
                if step == 4 then return call("sessions_history", { sessionKey = "sub-1" }) end
                if step == 5 then return call("sessions_list", {}) end
                return { say = view.results[2].text .. "|" .. view.results[3].text .. "|" .. view.results[4].text }
                """,
            child: """
                return { say = "I was told: " .. view.user }
                """)
        let said = try performance.events(.agentMessage).compactMap { $0["text"]?.string }.last ?? ""
        #expect(said.hasPrefix("I was told: Say two|"), "\(said)")
        #expect(
            said.contains(
                "[user] Say one\n[assistant] I was told: Say one\n[user] Say two\n[assistant] I was told: Say two"))
        #expect(said.contains("main (you): main, running"))
        #expect(said.contains("sub-1 \"talker\": subagent, idle: Say one"))
        let child = try verify(performance.trace, "t1.sub-1")
        #expect(child.problems.isEmpty && child.outcome == "completed")
    }

    @Test func `A session is steered and killed, and the trace of one that was killed is whole`() async throws {
        let performance = try await perform(
            main: """
                if step == 1 then return call("sessions_spawn", { task = "Never end" }) end
                if step == 2 then return call("subagents", { action = "steer", target = "sub-1", message = "Write it down" }) end
                if step == 3 then return call("exec", { command = "until test -e steered; do sleep 0.02; done", timeout = 60 }) end
                if step == 4 then return call("subagents", { action = "kill", target = "all" }) end
                if step == 5 then return call("subagents", { action = "list" }) end
                return { say = view.results[4].text .. " " .. view.results[5].text }
                """,
            child: """
                if last(view) == "Write it down" then return call("exec", { command = "touch steered" }) end
                return call("exec", { command = "sleep 0.05; echo " .. step })
                """)
        let said = try performance.events(.agentMessage).compactMap { $0["text"]?.string }.last ?? ""
        #expect(said.contains("Ended sub-1. sub-1: cancelled"), "\(said)")
        #expect(try performance.events(.session).first?["outcome"] == "cancelled")
        let child = try verify(performance.trace, "t1.sub-1")
        #expect(child.problems.isEmpty && child.outcome == "cancelled")
    }

    @Test func `Depth and number of sessions are bounded`() async throws {
        let performance = try await perform(
            main: """
                if step <= 3 then return call("sessions_spawn", { task = "Try to go deeper, " .. step }) end
                return { say = view.results[3].text }
                """,
            child: """
                if step == 1 then return call("sessions_spawn", { task = "Deeper" }) end
                return { say = view.results[1].text }
                """
        ) { $0.sessions.count = 2 }
        let said = try performance.events(.agentMessage).compactMap { $0["text"]?.string }
        #expect(said.contains { $0.contains("2 sessions were started already") }, "\(said)")
        let events = try performance.events(.event).compactMap { $0["text"]?.string }
        #expect(events.allSatisfy { $0.contains("there is no tool named `sessions_spawn`") })
        #expect(events.count == 2)
    }

    @Test func `The scripted agent follows the playbook that a task has for a session`() async throws {
        let task: JSONValue = [
            "task": "Delegate",
            "stages": [
                [
                    "id": "ask", "ask": ["brief": "go", "full": "Have the errors counted."],
                    "steps": [
                        [
                            "id": "s", "tool": "sessions_spawn",
                            "arguments": ["task": "Count the lines", "label": "lines"],
                        ]
                    ], "reply": "It is being done.",
                ]
            ],
            "verify": [
                "steps": [["id": "v", "tool": "exec", "arguments": ["command": "cat n.txt"]]], "reply": "Checked.",
            ],
            "children": [
                [
                    "label": "lines",
                    "steps": [
                        ["id": "c", "tool": "exec", "arguments": ["command": "printf 'a\\nb\\n' | wc -l | tee n.txt"]]
                    ],
                    "reply": "Counted.",
                ]
            ],
            "goals": [["kind": "file_equals", "path": "n.txt", "content": "2\n"]],
        ]
        let scripted = try ToolRoom.catalog.plugin(kind: .agent, named: "scripted")
        let plugins = try InlinePlugins([Theatre.simulator])
        let casting = Casting(
            agent: scripted, simulator: try plugins.plugin(.simulator, "stages"),
            tools: [try ToolRoom.tool("exec"), try ToolRoom.tool("sessions_spawn")])
        let runner = TrajectoryRunner(casting: casting, host: try await SharedHost.host, version: "test")
        let trace = try TestTrace()
        let scenario = Scenario(id: "t1", intent: Theatre.intent, tasks: [task])
        let result = await runner.run(scenario, seed: 1, trace: trace.writer)
        #expect(result.success == true, "\(result.reason)")
        let event = try #require(trace.events(.event).first)
        #expect(event["text"]?.string?.hasSuffix("Counted.") == true)
    }

    // MARK: The schedule

    @Test func `What is scheduled comes due within the dialogue, as a message or as a session`() async throws {
        let performance = try await perform(
            main: """
                if step == 1 then return call("cron", { action = "add", job = { name = "soon", schedule = { kind = "at", at = "+1s" },
                  payload = { kind = "systemEvent", text = "The bell rings." } } }) end
                if step == 2 then return call("cron", { action = "add", job = { schedule = { kind = "every", everyMs = 3600000 },
                  payload = { text = "Much later." } } }) end
                if step == 3 then return call("cron", { action = "add", job = { sessionTarget = "isolated", schedule = { kind = "cron", expr = "0 0 29 2 *" },
                  payload = { kind = "agentTurn", message = "Say leap" } } }) end
                if step == 4 then return call("exec", { command = "sleep 1.2" }) end
                if step == 5 then return call("cron", { action = "run", jobId = "cron-3" }) end
                if step % 2 == 0 then return call("cron", { action = "list" }) end
                return { say = view.results[#view.results].text }
                """,
            child: "return { say = 'leap: ' .. view.user }")
        let events = try performance.events(.event)
        #expect(events.map { $0["source"]?.string } == ["schedule", "session"], "\(events.map { $0["text"] })")
        #expect(events[0]["text"] == "[Scheduled: cron-1 \"soon\"] The bell rings.")
        #expect(events[1]["text"]?.string?.hasSuffix("leap: Say leap") == true)
        let said = try performance.events(.agentMessage).compactMap { $0["text"]?.string }.last ?? ""
        #expect(said.contains("cron-1 \"soon\": at") && said.contains("done; ran 1 times"))
        #expect(said.contains("cron-2: every 3600 s; next"))
        let left = try performance.events(.log).filter { $0["source"] == "schedule" }
        #expect(left.map { $0["fields"]?["id"]?.string } == ["cron-2", "cron-3"])
    }

    private static let times: [(String, Int, Double)] = [
        ("*/15 * * * *", 0, 900), ("0 9 * * 1-5", 0, 32_400), ("30 2 * * *", 120, 1800),
        ("0 0 1 jan *", 0, 31_536_000), ("0 0 13 * fri", 0, 86_400), ("@hourly", 0, 3600),
        ("59 23 31 12 *", 0, 31_535_940),
    ]

    @Test(arguments: times)
    func `A cron expression's next time`(_ expression: String, _ minutes: Int, _ expected: Double) throws {
        // From the first second of 1970, a Thursday.
        #expect(try CronExpression(expression).next(after: 0, offset: minutes * 60) == expected)
    }

    @Test(arguments: [
        "", "* * * *", "60 * * * *", "* * 0 * *", "a * * * *", "*/0 * * * *", "5-1 * * * *", "* * * * * *",
    ])
    func `What is no cron expression is refused`(_ expression: String) {
        #expect(throws: CronExpression.Malformed.self) { try CronExpression(expression) }
    }

    @Test func `A day that never comes has no next time`() throws {
        #expect(try CronExpression("0 0 30 2 *").next(after: 0, offset: 0) == nil)
    }
}
