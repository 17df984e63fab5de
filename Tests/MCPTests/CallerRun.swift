import Glibc
import JSON
import TestSupport
import Testing
import Trace

/// A whole run of one trajectory, whose agent makes the calls that a test names.
struct CallerRun {
    /// Makes the calls that the user's words name, one after another, then says what the last one gave.
    private static let agent = """
        --[[plugin {"api": 1, "kind": "agent", "name": "caller", "version": "0.1.0", "description": "Stands in a test."} ]]
        return { next = function(view)
          local calls = json.decode(view.user)
          local call = calls[#view.results + 1]
          if call then return { calls = { { name = call[1], arguments = call[2] } } } end
          return { say = "It says: " .. view.results[#view.results].text }
        end }
        """

    var ending: HostProgram.Ending
    var events: [TraceRecord]
    /// In the run's directory when there is no trajectory.
    var leftFiles: [String] = []

    func results() -> [JSONObject] { events.filter { $0.type == "tool_result" }.map(\.payload) }
    func logs() -> [String] { events.filter { $0.type == "log" }.compactMap { $0.payload["text"]?.string } }

    static func play(
        calls: String, record: JSONObject = [:], _ options: [String]
    ) async throws -> CallerRun {
        let place = try TemporaryDirectory()
        for folder in ["plugins", "plugins/agents"] { mkdir(place.file(folder), 0o755) }
        try place.write("plugins/agents/caller.lua", Array(agent.utf8))
        var intent: JSONObject = ["id": "query_1", "query": .string(calls)]
        for (key, value) in record { intent[key] = value }
        try place.write("intents.jsonl", Array((JSONValue.object(intent).compact + "\n").utf8))
        let out = place.file("out")
        let program = try HostProgram(
            [
                HostProgram.ise, "run", "--plugins", place.file("plugins"), "--intents", place.file("intents.jsonl"),
                "--agent", "caller", "--out", out,
            ] + options)
        program.closeInput()
        let ending = try await program.ending()
        let traces = place.files().filter { $0.hasPrefix("out/trajectories/") }
        guard let trace = traces.first else {
            return CallerRun(ending: ending, events: [], leftFiles: place.files().filter { $0.hasPrefix("out") })
        }
        let verification = try TraceVerifier(store: ContentStore(directory: out + "/blobs")).verify(place.file(trace))
        #expect(verification.isIntact)
        var reader = try TraceReader(path: place.file(trace))
        var events: [TraceRecord] = []
        while let event = try reader.next() { events.append(event) }
        return CallerRun(ending: ending, events: events)
    }
}
