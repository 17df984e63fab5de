import JSON
import Models
import Synchronization
import Trace

/// The `chat` service of one role: sends a plugin's request to the role's model, records request and answer exactly, counts
/// tokens.
final class RecordedChat: Sendable {
    /// Who asks.
    enum Role: String, Sendable { case agent, simulator }

    let role: Role
    private let client: ChatClient
    private let trace: TraceWriter
    private let state = Mutex(State())

    private struct State {
        var turn: Int?
        var tokens = 0
    }

    init(_ role: Role, client: ChatClient, trace: TraceWriter) {
        self.role = role
        self.client = client
        self.trace = trace
    }

    /// The user turn that requests belong to from now on.
    func begin(turn: Int) { state.withLock { $0.turn = turn } }

    var tokens: Int { state.withLock { $0.tokens } }
}
extension RecordedChat { func answer(_ r: JSONValue) async throws -> JSONValue { r } }
