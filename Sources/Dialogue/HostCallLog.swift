import JSON
import Synchronization
import Trace
import Workspaces

/// What the host did for a plugin during a call. Gathered while the plugin runs, written when its call is over: so the events
/// stand in one order, below the call that caused them.
final class HostCallLog: Sendable {
    enum Entry: Sendable {
        case exec(ExecRequest, ExecResult)
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
                let exec = try trace.append(.exec(request, result, call: call, turn: turn))
                for denial in result.denials { try trace.append(.denial(denial.json, call: exec, turn: turn)) }
                last = result
            case .log(let level, let text, let fields, let plugin):
                try trace.append(.log(level, text, source: plugin, fields: fields, turn: turn, parent: call))
            }
        }
        return last
    }
}
