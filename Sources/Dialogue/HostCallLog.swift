import Basics
import JSON
import Models
import Plugins
import Synchronization
import Trace
import Workspaces

/// What the host did for a plugin during a call. Gathered while the plugin runs, written when its call is over: so the events
/// stand in one order, below the call that caused them.
final class HostCallLog: Sendable {
    enum Entry: Sendable {
        case exec(ExecRequest, ExecResult)
        /// The end of a job, which the call noticed.
        case job(id: String, ExecRequest, ExecResult)
        case action(HostCall, plugin: String)
        case network(EgressAttempt, url: String, response: HTTPResponse?)
        case log(level: String, text: String, fields: JSONValue?, plugin: String)
    }

    private let entries = Mutex<[Entry]>([])

    func append(_ entry: Entry) { entries.withLock { $0.append(entry) } }

    /// Hands out what was gathered since the last time.
    private func take() -> [Entry] {
        entries.withLock { entries in
            defer { entries = [] }
            return entries
        }
    }

    /// Writes what was gathered, and returns the last command's result.
    @discardableResult
    func write(to trace: TraceWriter, call: Int? = nil, turn: Int?) throws(TraceError) -> ExecResult? {
        var last: ExecResult?
        for entry in take() {
            switch entry {
            case .exec(let request, let result):
                try write(.exec(request, result, call: call, turn: turn), result, to: trace, turn)
                last = result
            case .job(let id, let request, let result):
                var event = TraceEvent.exec(request, result, call: call, turn: turn)
                event.payload["job"] = .string(id)
                try write(event, result, to: trace, turn)
            case .action(let action, let plugin):
                try trace.append(.action(action, plugin: plugin, call: call, turn: turn))
            case .network(let attempt, let url, let response):
                try trace.append(.network(attempt, url: url, response, call: call, turn: turn))
            case .log(let level, let text, let fields, let plugin):
                try trace.append(.log(level, text, source: plugin, fields: fields, turn: turn, parent: call))
            }
        }
        return last
    }

    private func write(
        _ event: TraceEvent, _ result: ExecResult, to trace: TraceWriter, _ turn: Int?
    ) throws(TraceError) {
        let exec = try trace.append(event)
        for denial in result.denials { try trace.append(.denial(denial.json, call: exec, turn: turn)) }
    }
}

extension TraceEvent {
    /// The body of a page stands in the `network` event.
    fileprivate static func action(_ action: HostCall, plugin: String, call: Int?, turn: Int?) -> TraceEvent {
        var result = action.result
        if action.function == "http.fetch", result?["source"]?.string == "web" { result?["body"] = nil }
        let error = action.errorCode.map { code -> JSONValue in
            ["code": .string(code), "message": .string(action.errorMessage ?? "")]
        }
        return .hostCall(
            action.function, plugin: plugin, arguments: action.arguments, result: result, error: error,
            wallMilliseconds: action.wall.wholeMilliseconds, call: call, turn: turn)
    }

    fileprivate static func network(
        _ attempt: EgressAttempt, url: String, _ response: HTTPResponse?, call: Int?, turn: Int?
    ) -> TraceEvent {
        var payload: JSONObject = ["attempt": attempt.json, "url": .string(url)]
        guard let response else { return TraceEvent(.network, turn: turn, parent: call, payload: payload) }
        payload["status"] = .int(response.status)
        payload["headers"] = .array(response.headers.map { [.string($0.name), .string($0.value)] })
        payload["truncated"] = .bool(response.isCut)
        return TraceEvent(.network, turn: turn, parent: call, payload: payload).attaching("body", response.body)
    }
}
