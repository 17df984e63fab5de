import JSON

// The payload of every kind of event. Nil arguments leave their key out. Durations are whole milliseconds (`…_ms`).

extension TraceEvent {
    /// The first event: who wrote the trace, under which settings, how strongly the machine isolates, and which policy held.
    /// - Parameters:
    ///   - policy: the digest of the effective policy.
    ///   - probe: what was found of the policy's walls inside this trajectory's own workspace; nil: it could not be opened, or not
    ///     be looked at.
    public static func start(
        trajectory id: String, attempt: Int = 1, seed: UInt64, ise version: String,
        isolation: JSONValue, policy: String, probe: JSONValue?, settings: JSONValue
    ) -> TraceEvent {
        var payload: JSONObject = [
            "format": .int(TraceFormat.version), "ise": .string(version), "trajectory": .string(id),
            "attempt": .int(attempt), "seed": Int(exactly: seed).map(JSONValue.int) ?? .string(String(seed)),
            "isolation": isolation, "policy_digest": .string(policy),
        ]
        payload["probe"] = probe
        payload["settings"] = settings
        return TraceEvent(.start, payload: payload)
    }

    /// The intent as it was read, unknown keys kept.
    public static func intent(_ record: JSONValue) -> TraceEvent {
        TraceEvent(.intent, payload: ["intent": record])
    }

    /// Every plugin that takes part, with the hash of its content.
    public static func plugins(_ plugins: [PluginUse]) -> TraceEvent {
        TraceEvent(.plugins, payload: ["plugins": .array(plugins.map(\.json))])
    }

    public struct PluginUse: Sendable, Hashable {
        public var kind: String
        public var name: String
        public var version: String
        /// 64 hexadecimal digits.
        public var hash: String
        /// Where its Lua runs: `in-process` or `worker`; nil for what is no plugin.
        public var engine: String?

        public init(kind: String, name: String, version: String, hash: String, engine: String? = nil) {
            self.kind = kind
            self.name = name
            self.version = version
            self.hash = hash
            self.engine = engine
        }

        var json: JSONValue {
            var json: JSONValue = [
                "kind": .string(kind), "name": .string(name), "version": .string(version), "hash": .string(hash),
            ]
            json["engine"] = engine.map(JSONValue.string)
            return json
        }
    }

    /// The system prompt and the tool definitions that the agent works under.
    public static func prompt(system: String, tools: [JSONValue]) -> TraceEvent {
        TraceEvent(.prompt, payload: ["system": .string(system), "tools": .array(tools)])
    }

    /// A request to a model, exactly as sent.
    /// - Parameter role: who asks: `agent` or `simulator`.
    public static func modelRequest(role: String, endpoint: String, body: JSONValue, turn: Int?) -> TraceEvent {
        TraceEvent(
            .modelRequest, turn: turn,
            payload: ["role": .string(role), "endpoint": .string(endpoint), "body": body])
    }

    /// What came back, exactly as received; `error` says why it could not be used.
    /// - Parameter request: the number of the `model_request` event.
    public static func modelResponse(
        role: String, request: Int, body: [UInt8], attempts: [JSONValue], wallMilliseconds: Int,
        error: String? = nil, turn: Int?
    ) -> TraceEvent {
        var payload: JSONObject = [
            "role": .string(role), "attempts": .array(attempts), "wall_ms": .int(wallMilliseconds),
        ]
        payload["error"] = error.map(JSONValue.string)
        return TraceEvent(.modelResponse, turn: turn, parent: request, payload: payload).attaching("body", body)
    }

    /// What the user says. `decision` is the simulator's reply in full.
    public static func userTurn(_ text: String, decision: JSONValue? = nil, turn: Int) -> TraceEvent {
        var payload: JSONObject = ["text": .string(text)]
        payload["decision"] = decision
        return TraceEvent(.userTurn, turn: turn, payload: payload)
    }

    /// What the agent says: to the user, or beside its calls.
    /// - Parameter isFinal: whether it ends the agent's turn.
    public static func agentMessage(
        _ text: String?, reasoning: String? = nil, isFinal: Bool, turn: Int, parent: Int? = nil
    ) -> TraceEvent {
        var payload: JSONObject = ["text": text.map(JSONValue.string) ?? .null, "final": .bool(isFinal)]
        payload["reasoning"] = reasoning.map(JSONValue.string)
        return TraceEvent(.agentMessage, turn: turn, parent: parent, payload: payload)
    }

    /// The agent calls a tool. The event's number is what its `toolResult` answers.
    /// - Parameters:
    ///   - id: the call's id in the conversation; models repeat ids, so it identifies nothing.
    ///   - arguments: as parsed; a `string` when what the model wrote is no JSON object.
    ///   - plugin: the content hash of the tool, 64 hexadecimal digits.
    public static func toolCall(
        id: String, tool: String, arguments: JSONValue, plugin: String? = nil, turn: Int, parent: Int? = nil
    ) -> TraceEvent {
        var payload: JSONObject = ["id": .string(id), "tool": .string(tool), "arguments": arguments]
        payload["plugin"] = plugin.map(JSONValue.string)
        return TraceEvent(.toolCall, turn: turn, parent: parent, payload: payload)
    }

    /// A command that ran in the workspace, with its facts (`exit_code`, `signal`, `ended_by`, `wall_ms`, …) and its
    /// output.
    /// - Parameter call: the number of the `tool_call` event, if one caused it.
    public static func exec(
        argv: [String], directory: String, facts: JSONObject, stdout: [UInt8], stderr: [UInt8],
        call: Int?, turn: Int?
    ) -> TraceEvent {
        var payload: JSONObject = ["argv": JSONValue(argv), "cwd": .string(directory)]
        for (key, value) in facts { payload[key] = value }
        return TraceEvent(.exec, turn: turn, parent: call, payload: payload)
            .attaching("stdout", stdout).attaching("stderr", stderr)
    }

    /// A host function that did something for a plugin.
    /// - Parameter result: nil when it raised an error.
    public static func hostCall(
        _ function: String, plugin: String, arguments: JSONValue, result: JSONValue?, error: JSONValue? = nil,
        wallMilliseconds: Int, call: Int?, turn: Int?
    ) -> TraceEvent {
        var payload: JSONObject = [
            "function": .string(function), "plugin": .string(plugin), "arguments": arguments,
            "wall_ms": .int(wallMilliseconds),
        ]
        payload["result"] = result
        payload["error"] = error
        return TraceEvent(.hostCall, turn: turn, parent: call, payload: payload)
    }

    /// What comes into the dialogue from outside: the agent reads `text` as a message.
    /// - Parameter source: `session` or `schedule`.
    public static func event(_ text: String, source: String, facts: JSONObject = [:], turn: Int?) -> TraceEvent {
        var payload: JSONObject = ["source": .string(source), "text": .string(text)]
        for (key, value) in facts { payload[key] = value }
        return TraceEvent(.event, turn: turn, payload: payload)
    }

    /// The answer to a tool call: exactly one each.
    /// - Parameters:
    ///   - call: the number of the `tool_call` event.
    ///   - text: what the model sees.
    ///   - failed: the world refused (a non-zero exit, a missing file).
    ///   - error: the call itself went wrong (unknown tool, bad arguments, plugin bug): code, message and the rest.
    public static func toolResult(
        call: Int, id: String, tool: String, text: String, failed: Bool, details: JSONValue? = nil,
        error: JSONValue? = nil, wallMilliseconds: Int? = nil, turn: Int
    ) -> TraceEvent {
        var payload: JSONObject = [
            "id": .string(id), "tool": .string(tool), "failed": .bool(failed), "text": .string(text),
        ]
        payload["details"] = details
        payload["error"] = error
        payload["wall_ms"] = wallMilliseconds.map(JSONValue.int)
        return TraceEvent(.toolResult, turn: turn, parent: call, payload: payload)
    }

    /// What the simulator is shown of the agent's turn.
    public static func digest(_ digest: JSONValue, turn: Int) -> TraceEvent {
        TraceEvent(.digest, turn: turn, payload: ["digest": digest])
    }

    /// A guard's word on a proposed user turn.
    public static func `guard`(
        name: String, query: String, passed: Bool, reason: String? = nil, turn: Int
    ) -> TraceEvent {
        var payload: JSONObject = ["guard": .string(name), "ok": .bool(passed), "query": .string(query)]
        payload["reason"] = reason.map(JSONValue.string)
        return TraceEvent(.guard, turn: turn, payload: payload)
    }

    /// One machine-checked predicate over the final workspace.
    public static func goal(_ goal: JSONValue, met: Bool, found: String? = nil) -> TraceEvent {
        var payload: JSONObject = ["goal": goal, "met": .bool(met)]
        payload["found"] = found.map(JSONValue.string)
        return TraceEvent(.goal, payload: payload)
    }

    /// Something the sandbox refused.
    public static func denial(_ denial: JSONValue, call: Int?, turn: Int?) -> TraceEvent {
        TraceEvent(.denial, turn: turn, parent: call, payload: ["denial": denial])
    }

    /// A line from a plugin or from the core. Levels: `debug`, `info`, `warn`, `error`.
    public static func log(
        _ level: String, _ text: String, source: String, fields: JSONValue? = nil, turn: Int? = nil, parent: Int? = nil
    ) -> TraceEvent {
        var payload: JSONObject = ["level": .string(level), "source": .string(source), "text": .string(text)]
        payload["fields"] = fields
        return TraceEvent(.log, turn: turn, parent: parent, payload: payload)
    }

    /// How the trajectory ended: its one typed outcome, why, and the counts that reports use.
    public static func outcome(_ outcome: String, reason: String, facts: JSONObject = [:]) -> TraceEvent {
        var payload: JSONObject = ["outcome": .string(outcome), "reason": .string(reason)]
        for (key, value) in facts { payload[key] = value }
        return TraceEvent(.outcome, payload: payload)
    }
}
