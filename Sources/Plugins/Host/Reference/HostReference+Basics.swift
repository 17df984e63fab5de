// Models, errors, the log, time, JSON and chance.

extension HostReference {
    static let model: [Function] = [
        Function(
            "chat", "Asks the model that the run has for this plugin.",
            [Field("request", "chat.Request", "Members of an OpenAI chat request.")],
            returns: "chat.Response", "The answer; exactly what was asked and answered is in the record.",
            failures: [
                Failure("E_UNAVAILABLE", "No model is configured for this plugin."),
                Failure("E_MODEL", "The model gave no answer."),
            ],
            permission: .model, waits: true),
        Function(
            "embed", "Embeds texts with the model that the run has for that.",
            [Field("request", "table", "{input = {\"text\", …}}")], returns: "table",
            "{embeddings = {{…}, …}}, one list of numbers for each text.",
            failures: [
                Failure("E_UNAVAILABLE", "No embedding model is configured."),
                Failure("E_MODEL", "The model gave no answer."),
            ],
            permission: .model, waits: true),
    ]

    static let modelRecords: [Record] = [
        Record(
            "chat.Request", "What a model is asked; other members go to the server as they are.",
            [
                Field("messages", "table[]", "{role=, content=, …}"),
                Field("tools", "table[]?", "Tools that it may call."),
                Field("temperature", "number?", "0 for the likeliest words."),
                Field("max_tokens", "integer?", "Tokens of the answer at most."),
            ]),
        Record(
            "chat.Response", "What a model answered.",
            [
                Field("message", "table", "{role=, content=, tool_calls=}"),
                Field("finish_reason", "string?", "stop, length, tool_calls, …"),
                Field("usage", "table?", "{prompt_tokens=, completion_tokens=}"),
            ]),
    ]

    static let context: [Function] = [
        Function(
            "ctx.fail", "Ends the call with an error that the model is to see. It does not return.",
            [
                Field("code", "string", "For programs: \"not_found\"."),
                Field("message", "string", "For the model: what is wrong and what would be right."),
                Field("details", "any?", "Data for the record."),
            ]),
        Function(
            "require", "Loads a module once: of the plugin's folder, or of a library that the manifest requires.",
            [Field("name", "string", "\"lib.count\", \"@textlib\", \"@textlib/wrap\"; in specs also \"@test\".")],
            returns: "any", "What the module returned.", failures: [Failure("E_MODULE", "There is none.")]),
        Function(
            "host.has", "Whether this plugin has a host function.", [Field("name", "string", "\"ws.exec\".")],
            returns: "boolean"),
    ]

    static let logging: [Function] =
        ["debug", "info", "warn", "error"].map { level in
            Function(
                "log.\(level)", "Writes a line of level \(level) to the record of the run.",
                [Field("text", "any", "What happened."), Field("fields", "table?", "Data that belongs to it.")])
        } + [Function("print", "As log.info, with all its arguments.", [Field("...", "any", "")])]

    static let time: [Function] = [
        Function("clock.now", "The time of the host; virtual in specs.", returns: "number", "Seconds since 1970."),
        Function(
            "clock.sleep", "Waits; virtual in specs.", [Field("milliseconds", "integer", "At most a day.")],
            failures: [Failure("E_CANCELLED", "The call was cancelled meanwhile.")], waits: true),
    ]

    static let state: [Function] = [
        Function(
            "state.get", "What the plugin has kept under a key, in this trajectory.",
            [Field("key", "string", "")], returns: "any", "nil when there is nothing.", permission: .state),
        Function(
            "state.set", "Keeps a JSON value for later calls.",
            [Field("key", "string", ""), Field("value", "any", "")],
            failures: [Failure("E_TOO_BIG", "All that is kept would be larger than permissions.state_kb.")],
            permission: .state),
        Function("state.delete", "Forgets what is kept under a key.", [Field("key", "string", "")], permission: .state),
    ]

    static let json: [Function] = [
        Function(
            "json.encode", "Writes a value as JSON, with the keys of objects sorted.",
            [Field("value", "any", "")],
            options: [Field("pretty", "boolean?", default: "false", "Indented, for people.")], returns: "string"),
        Function(
            "json.decode", "Reads JSON. Its null becomes json.null.", [Field("text", "string", "")], returns: "any",
            failures: [Failure("E_JSON", "The text is no JSON; the message has the place.")]),
        Function(
            "json.array", "Marks a table as an array, so that an empty one is [] and not {}.",
            [Field("list", "table?", "")], returns: "table", "The same table.", origin: .interpreter),
        Function(
            "json.object", "Marks a table as an object.", [Field("table", "table?", "")], returns: "table",
            "The same table.", origin: .interpreter),
    ]

    static let random: [Function] = [
        Function(
            "random.int", "Draws an integer from the plugin's stream of the run's seed.",
            [Field("low", "integer", "The least."), Field("high", "integer", "The largest.")], returns: "integer",
            origin: .interpreter),
        Function("random.float", "Draws from 0 up to, not including, 1.", returns: "number", origin: .interpreter),
        Function(
            "random.pick", "Draws one element.", [Field("list", "any[]", "Not empty.")], returns: "any",
            origin: .interpreter),
        Function(
            "random.shuffle", "Shuffles a list in place.", [Field("list", "any[]", "")], returns: "any[]",
            "The same list.", origin: .interpreter),
        Function(
            "random.stream", "A stream of its own: drawing from it changes nothing for the others.",
            [Field("name", "string", "Equal names give the same stream.")], returns: "random",
            "A table with int, float, pick and shuffle.", origin: .interpreter),
    ]
}
