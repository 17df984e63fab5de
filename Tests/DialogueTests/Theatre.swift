import JSON
import Models
import Plugins
import TestSupport
import Trace
import Workspaces

@testable import Dialogue

/// Small plugins for whole trajectories: an agent and a simulator that follow the scenario's stages, and a tool that runs
/// shell commands.
enum Theatre {
    static let shell = InlinePlugins.Source(
        "tool", "exec",
        [
            "permissions": ["exec": ["*"]],
            "parameters": [
                "type": "object", "properties": ["command": ["type": "string"]], "required": ["command"],
            ],
        ],
        """
        return { run = function(args)
          local r = ws.exec({ "sh", "-c", args.command })
          local text = r.stdout .. r.stderr
          if r.code ~= 0 then text = text .. "[exit code " .. tostring(r.code) .. "]" end
          return { text = text, failed = r.code ~= 0 }
        end }
        """)

    /// Runs the commands of a stage's `steps` one after another, then says the text of the last result.
    static let agent = InlinePlugins.Source(
        "agent", "follow",
        """
        return { next = function(view)
          local steps = {}
          for _, stage in ipairs(view.stages or {}) do
            if stage.id == view.stage then steps = stage.steps end
            if view.stage == "verify" and stage.verify then steps = stage.verify.steps end
          end
          local step = steps[#view.results + 1]
          if step then return { calls = { { name = step.tool, arguments = step.arguments } } } end
          local last = view.results[#view.results]
          return { say = "It says: " .. (last and last.text or "nothing") }
        end }
        """)

    /// Asks for each stage, then for a check, then closes.
    static let simulator = InlinePlugins.Source(
        "simulator", "stages",
        """
        return { next = function(view)
          local stages = view.stages or {}
          local stage = stages[view.turn]
          if stage then
            return { completed = false, query = stage.ask.full .. " " .. random.int(1, 1000000), reason = "next", stage = stage.id }
          end
          if view.turn == #stages + 1 then
            return { completed = false, query = "Please check it once more.", reason = "check", stage = "verify" }
          end
          return { completed = true, query = "", reason = "all seen", is_success = true }
        end }
        """)

    /// One task of two stages: a command that fails, its repair, a check.
    static let task: JSONValue = [
        "task": "Count Errors", "values": ["errors": 2],
        "fixture": ["files": ["log/app.log": "ERROR a\nok\nERROR b\n"], "modes": ["log/app.log": 0o600]],
        "stages": [
            [
                "id": "count", "ask": ["brief": "count", "full": "Count the errors."],
                "steps": [
                    ["tool": "exec", "arguments": ["command": "grep -c ERROR app.log"]],
                    ["tool": "exec", "arguments": ["command": "grep -c ERROR log/app.log"]],
                ], "reply": "x",
            ],
            [
                "id": "write", "ask": ["brief": "write", "full": "Write the number to out.txt."],
                "steps": [
                    ["tool": "exec", "arguments": ["command": "grep -c ERROR log/app.log > out.txt; rm log/app.log"]]
                ],
                "reply": "x",
            ],
        ],
        "verify": ["steps": [["tool": "exec", "arguments": ["command": "cat out.txt"]]], "reply": "x"],
        "goals": [
            ["kind": "file_equals", "path": "out.txt", "content": "2\n"],
            ["kind": "file_absent", "path": "log/app.log"],
        ],
    ]

    static let intent: JSONValue = [
        "id": "intent_00000001", "natural_language_intent": "Count the errors, write them down.",
        "metadata": ["persona": ["name": "Ada", "experience_level": "Senior"]],
    ]

    /// A finished trajectory.
    struct Performance {
        let result: TrajectoryResult
        let trace: TestTrace

        func events(_ kind: TraceEvent.Kind) throws -> [TraceRecord] { try trace.events(kind) }

        /// Everything that does not depend on the machine or the moment.
        func script() throws -> [JSONValue] {
            let kinds: [TraceEvent.Kind] = [
                .userTurn, .agentMessage, .toolCall, .toolResult, .digest, .guard, .goal, .outcome,
            ]
            return try trace.events().filter { $0.kind.map(kinds.contains) ?? false }.map { event in
                var payload = event.payload
                payload["wall_ms"] = nil
                return .array([.string(event.type), .object(payload)])
            }
        }
    }

    /// Runs one trajectory of the given plugins. The trace has been verified.
    static func perform(
        _ sources: [InlinePlugins.Source] = [shell, agent, simulator], shipped: [String] = [],
        tasks: [JSONValue] = [task], intent: JSONValue = intent, resources: ToolResources = ToolResources(),
        seed: UInt64 = 7, agentURL: String? = nil,
        probe: (@Sendable (Workspace) async throws(WorkspaceError) -> LiveProbe)? = nil,
        limits: (inout DialogueLimits) -> Void = { _ in }
    ) async throws -> Performance {
        let plugins = try InlinePlugins(sources)
        func named(_ kind: PluginManifest.Kind) throws -> [Plugin] {
            try sources.filter { $0.kind == kind.rawValue }.map { try plugins.plugin(kind, $0.name) }
        }
        var casting = Casting(
            agent: try named(.agent)[0], simulator: try named(.simulator)[0],
            tools: try named(.tool) + shipped.map(ToolRoom.tool),
            guards: try named(.guard))
        casting.resources = resources
        if let agentURL { casting.agentModel = try client(agentURL) }
        var runner = TrajectoryRunner(casting: casting, host: try await SharedHost.host, version: "test")
        if let probe { runner.probe = probe }
        limits(&runner.limits)
        let trace = try TestTrace()
        let scenario = Scenario(id: "t1", intent: intent, tasks: tasks)
        return Performance(result: await runner.run(scenario, seed: seed, trace: trace.writer), trace: trace)
    }

    private static func client(_ url: String) throws -> ChatClient {
        var settings = ChatSettings(url: url, model: "scripted")
        settings.retry.maximumAttempts = 2
        settings.retry.firstWait = .milliseconds(1)
        return ChatClient(settings: settings, http: try HTTPClient())
    }
}
