import Plugins
import Synchronization

/// The running instances of one tool in one dialogue. Calls one after another meet the same; calls at the same time have one
/// each.
final class ToolInstances: Sendable {
    /// An instance with what the host did for it: apart from the others', so that each is recorded below the call that caused it.
    struct Started: Sendable {
        let instance: PluginInstance
        let log: HostCallLog
        var chat: RecordedChat?
    }

    private struct State {
        var idle: [Started] = []
        var started = 0
    }

    private let start: @Sendable (_ number: Int) async throws(PluginError) -> Started
    private let state = Mutex(State())

    /// - Parameter start: makes an instance; `number` is 0 for the first.
    init(start: @escaping @Sendable (_ number: Int) async throws(PluginError) -> Started) { self.start = start }

    /// One instance for all calls, one after another.
    convenience init(first: Started) {
        self.init { _ throws(PluginError) in first }
        giveBack(first)
    }

    func take() async throws(PluginError) -> Started {
        let (free, number) = state.withLock { state -> (Started?, Int) in
            if let free = state.idle.popLast() { return (free, 0) }
            defer { state.started += 1 }
            return (nil, state.started)
        }
        if let free { return free }
        return try await start(number)
    }

    func giveBack(_ instance: Started) { state.withLock { $0.idle.append(instance) } }

    /// Tokens that the tool's own questions to models have used.
    var tokens: Int { state.withLock { $0.idle.reduce(0) { $0 + ($1.chat?.tokens ?? 0) } } }
}
