// What a run does for plugins beside the workspace: the web, memory, sessions, the schedule. Each takes one table.

extension HostReference {
    static let services: [Function] = web + memory + sessions + schedule

    private static func service(
        _ name: String, _ doc: String, _ request: Field, returns result: String?, _ resultDoc: String = "",
        _ failures: [Failure] = [], needs permission: HostPermission
    ) -> Function {
        Function(
            name, doc, [request], returns: result, resultDoc,
            failures: failures + [Failure("E_UNAVAILABLE", "The run does not have it.")], permission: permission,
            waits: true)
    }

    private static let web = [
        service(
            "http.fetch",
            "Sends a GET request from the host, as far as the run's network policy and the manifest allow.",
            Field("request", "http.Request", ""), returns: "http.Response", "Whatever its status.",
            [
                Failure(
                    "E_REFUSED", "The policy, the manifest or the kind of address forbids it; the message says which."),
                Failure("E_HTTP", "There was no answer."), Failure("E_URL", "It is no http or https URL."),
            ], needs: .network),
        service(
            "web.search", "Asks the run's search provider, or the corpus of the task's world.",
            Field("request", "table", "{query=, count=, country=, language=, freshness=, date_after=, date_before=}"),
            returns: "table", "{provider=, results = {{title=, url=, snippet=, published=}, …}}",
            [Failure("E_UNSUPPORTED", "The provider has no such filter."), Failure("E_HTTP", "It gave no answer.")],
            needs: .network),
    ]

    private static let memory = [
        service(
            "memory.search", "Searches MEMORY.md and memory/*.md in the home.",
            Field("request", "table", "{query=, max_results=, min_score=}"), returns: "table",
            "{results = {{path=, from=, to=, score=, text=}, …}, files=, mode=}", needs: .read),
        service(
            "memory.get", "Lines of a memory file.", Field("request", "table", "{path=, from=, lines=}"),
            returns: "table", "{path=, from=, to=, total=, text=}", [Failure("E_NOENT", "There is none.")], needs: .read
        ),
    ]

    private static let sessions = [
        service(
            "sessions.agents", "The agents that sessions can be started with.", nothing, returns: "table",
            "{agents = {{id=, description=}, …}}", needs: .sessions),
        service(
            "sessions.list", "The sessions of the trajectory.", nothing, returns: "table", "{sessions = {…}}",
            needs: .sessions),
        service(
            "sessions.status", "One session, its own when none is named.", Field("request", "table?", "{session=}"),
            returns: "table", "", [noSession], needs: .sessions),
        service(
            "sessions.history", "The messages of a session.",
            Field("request", "table", "{session=, limit=, tools=}"), returns: "table", "{messages = {…}}", [noSession],
            needs: .sessions),
        service(
            "sessions.spawn", "Starts a session below this one. It works while the caller goes on.",
            Field("request", "table", "{task=, label=, agent=, isolated=, timeout_ms=, keep=}"), returns: "table",
            "{session=, run=}", [Failure("E_LIMIT", "Too many sessions, or too deep.")], needs: .sessions),
        service(
            "sessions.send", "Gives a session another message, and waits for its reply when told to.",
            Field("request", "table", "{session=, message=, timeout_ms=}"), returns: "table", "{status=, reply=}",
            [noSession], needs: .sessions),
        service(
            "sessions.kill", "Ends a session.", Field("request", "table", "{session=}"), returns: "table", "",
            [noSession],
            needs: .sessions),
    ]

    private static let schedule = [
        service(
            "schedule.add", "Has something done later.",
            Field("request", "table", "{name=, at_ms=, every_ms=, cron=, timezone=, text=, isolated=}"),
            returns: "table", "The entry, with its id.", [Failure("E_SCHEDULE", "The time cannot be understood.")],
            needs: .schedule),
        service(
            "schedule.list", "What is scheduled, and what has run.", nothing, returns: "table", "{entries=, runs=}",
            needs: .schedule),
        service(
            "schedule.update", "Changes an entry.", Field("request", "table", "{id=, …}"), returns: "table", "",
            [noEntry], needs: .schedule),
        service(
            "schedule.remove", "Takes an entry away.", Field("request", "table", "{id=}"), returns: "table", "",
            [noEntry], needs: .schedule),
        service(
            "schedule.run", "Lets an entry run now.", Field("request", "table", "{id=}"), returns: "table", "",
            [noEntry], needs: .schedule),
    ]

    static let serviceRecords: [Record] = [
        Record(
            "http.Request", "What is fetched.",
            [
                Field("url", "string", "http or https."),
                Field("headers", "table<string, string>?", "Added to the request."),
                Field("max_bytes", "integer?", default: "2097152", "More of the body is cut off."),
                Field("timeout_ms", "integer?", default: "30000", "For everything, redirects too."),
                Field("max_redirects", "integer?", default: "5", "Each is checked as the first URL is."),
            ]),
        Record(
            "http.Response", "What came back.",
            [
                Field("status", "integer", ""), Field("url", "string", "After redirects."),
                Field("content_type", "string?", ""), Field("body", "string", ""),
                Field("truncated", "boolean", "Whether the body was cut off."),
                Field("redirects", "integer", "How many were followed."),
                Field("source", "string", "web, or corpus for a page of the task's world."),
            ]),
    ]

    private static let nothing = Field("request", "table?", "")
    private static let noSession = Failure("E_NOSESSION", "There is no such session.")
    private static let noEntry = Failure("E_NOENTRY", "There is no such entry.")
}
