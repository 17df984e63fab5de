import JSON
import Lua
import Plugins
import Trace

/// A call of a plugin as it once was: what it was given, what the host answered, what came out.
struct Recording: Sendable {
    struct Answer: Sendable {
        var function: String
        /// As far as the record has them: the first ones.
        var arguments: [JSONValue]
        var result: Result<JSONValue, LuaHostError>
    }

    enum Outcome: Sendable {
        case result(JSONValue)
        case error(code: String)
        /// Of a trace: what the model saw.
        case shown(text: String, failed: Bool)
    }

    var name: String
    var function: String
    var arguments: [JSONValue]
    var answers: [Answer]
    var outcome: Outcome
    /// Whether every host call is in the record. Traces leave out those that only look.
    var isComplete: Bool

    /// The calls of a plugin in a file: a trace of a run, a golden file, or what `ise plugin call --json` printed.
    static func read(_ path: String, of plugin: Plugin) throws(AuthoringError) -> [Recording] {
        let text = try readFile(path)
        if let json = try? JSONValue(parsing: text), json["host_calls"] != nil { return [try single(json, path)] }
        do throws(TraceError) { return try calls(of: plugin, in: path) } catch {
            throw AuthoringError(
                "\(path) is neither a trace nor a recorded call (a golden file, or the output of `ise plugin call --json`): \(error)"
            )
        }
    }

    private static func single(_ json: JSONValue, _ path: String) throws(AuthoringError) -> Recording {
        guard let function = json["function"]?.string, let calls = json["host_calls"]?.array else {
            throw AuthoringError("\(path) is no recorded call: it has no \"function\"")
        }
        let answers = calls.map { call in
            Answer(
                function: call["call"]?.string ?? "", arguments: call["arguments"]?.array ?? [],
                result: result(call["result"], call["error"]))
        }
        let outcome =
            json["error"].map { Outcome.error(code: $0["code"]?.string ?? "") } ?? .result(json["result"] ?? .null)
        return Recording(
            name: lastName(of: path), function: function, arguments: json["arguments"]?.array ?? [], answers: answers,
            outcome: outcome, isComplete: true)
    }

    private static func result(_ value: JSONValue?, _ error: JSONValue?) -> Result<JSONValue, LuaHostError> {
        guard let error, let code = error["code"]?.string else { return .success(value ?? .null) }
        return .failure(LuaHostError(code, error["message"]?.string ?? ""))
    }

    // MARK: Traces

    private static func calls(of plugin: Plugin, in path: String) throws(TraceError) -> [Recording] {
        let blobs = BlobReader(trace: path)
        var recordings: [Int: Recording] = [:]
        var finished: [Recording] = []
        var reader = try TraceReader(path: path)
        while let record = try reader.next() {
            switch record.kind {
            case .toolCall where record["tool"]?.string == plugin.manifest.name && record["arguments"]?.object != nil:
                recordings[record.sequence] = Recording(
                    name: "call \(record.sequence)", function: "run",
                    arguments: [blobs.whole(record["arguments"] ?? [:])],
                    answers: [], outcome: .result(.null), isComplete: false)
            case .exec where record["job"] == nil:
                guard let call = record.parent else { continue }
                recordings[call]?.answers.append(
                    Answer(
                        function: "ws.exec", arguments: [blobs.whole(record["argv"] ?? [])],
                        result: .success(execResult(record, blobs))))
            case .hostCall:
                guard let call = record.parent, let function = record["function"]?.string else { continue }
                recordings[call]?.answers.append(
                    Answer(
                        function: function, arguments: blobs.whole(record["arguments"] ?? []).array ?? [],
                        result: result(record["result"].map(blobs.whole), record["error"])))
            case .toolResult:
                guard let call = record.parent, var recording = recordings.removeValue(forKey: call) else { continue }
                let text = blobs.whole(record["full_text"] ?? record["text"] ?? "").string ?? ""
                let code = record["error"]?["code"]?.string
                recording.outcome =
                    code.map { .error(code: $0) } ?? .shown(text: text, failed: record["failed"]?.bool == true)
                finished.append(recording)
            default: break
            }
        }
        return finished
    }

    /// As `ws.exec` gave it.
    private static func execResult(_ record: TraceRecord, _ blobs: BlobReader) -> JSONValue {
        var result: JSONObject = [:]
        result["ended_by"] = record["ended_by"]
        for key in ["stdout", "stderr"] { result[key] = blobs.whole(record[key] ?? "") }
        for key in ["stdout_bytes", "stderr_bytes", "signal", "wall_ms"] { result[key] = record[key] }
        result["code"] = record["exit_code"]
        result["truncated"] = record["truncated"] ?? false
        result["timed_out"] = .bool(["timeout", "silence"].contains(record["ended_by"]?.string ?? ""))
        result["left_running"] = .array(
            (record["left_running"]?.array ?? []).map { ["pid": 0, "command": $0] })
        return .object(result)
    }
}

/// Puts what a trace keeps beside itself back into its place.
private struct BlobReader {
    let store: ContentStore

    /// A trace lies in `trajectories/` of its run, beside `blobs/`.
    init(trace: String) {
        let folder = trace.lastIndex(of: "/").map { String(trace[..<$0]) } ?? "."
        store = ContentStore(directory: folder + "/../blobs")
    }

    func whole(_ value: JSONValue) -> JSONValue {
        if let reference = BlobReference(value) {
            guard let bytes = try? store.bytes(of: reference.hash) else { return .string(reference.head) }
            return .string(String(decoding: bytes, as: UTF8.self))
        }
        switch value {
        case .array(let elements): return .array(elements.map(whole))
        case .object(let object): return .object(JSONObject(object.members.map { ($0.key, whole($0.value)) }))
        default: return value
        }
    }
}
