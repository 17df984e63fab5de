import JSON
import Plugins
import Trace

/// A plugin with a part in the dialogue: the agent, the simulator or a guard. It acts on what it is shown and never on the
/// workspace.
struct Player: Sendable {
    /// `agent`, `simulator` or `guard`.
    let kind: String
    let name: String
    let instance: PluginInstance
    let chat: RecordedChat?
    let hostCalls: HostCallLog
    let trace: TraceWriter

    var title: String { "the \(kind) \(name)" }
    var tokens: Int { chat?.tokens ?? 0 }

    /// Calls a function of the plugin and records what the host did for it.
    func call(_ function: String, _ view: JSONValue, turn: Int) async throws(PlayerFailure) -> JSONValue {
        chat?.begin(turn: turn)
        let answer: Result<JSONValue, PluginError>
        do throws(PluginError) { answer = .success(try await instance.call(function, [view])) } catch {
            answer = .failure(error)
        }
        do throws(TraceError) { try hostCalls.write(to: trace, turn: turn) } catch { throw .trace(error) }
        switch answer {
        case .success(let value): return value
        case .failure(let error): throw PlayerFailure(error, of: self)
        }
    }
}

/// Why a player gave no answer.
enum PlayerFailure: Error {
    /// Its model, or something else that the host should have given, was not there.
    case unavailable(String)
    /// The plugin itself said that it has no answer, such as a simulator whose model wrote no JSON.
    case raised(String)
    /// The plugin is broken, or used more than it may.
    case defect(String)
    case trace(TraceError)

    init(_ error: PluginError, of player: Player) {
        let reason = "\(player.title): \(error.message)"
        switch error.code {
        case "E_MODEL", "E_UNAVAILABLE", "unavailable", "cancelled": self = .unavailable(reason)
        case "plugin_bug", "limit", "worker_died": self = .defect(reason)
        default: self = .raised("\(reason) (\(error.code))")
        }
    }

    func ending(blaming outcome: Outcome) -> Ending {
        switch self {
        case .unavailable(let reason): Ending(.infrastructure, reason)
        case .raised(let reason), .defect(let reason): Ending(outcome, reason)
        case .trace(let error): Ending(error)
        }
    }
}
