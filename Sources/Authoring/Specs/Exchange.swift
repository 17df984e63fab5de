import JSON
import Lua
import Plugins

/// The talk between a spec and the plugin that it has called: the plugin asks for scripted answers, the spec gives them, and
/// in the end the plugin is done.
actor Exchange {
    enum Event: Sendable {
        case question(LuaValue)
        case finished(Result<JSONValue, PluginError>)
    }

    private var events: [Event] = []
    private var reader: CheckedContinuation<Event, Never>?
    private var asker: CheckedContinuation<LuaValue?, Never>?
    private var isAbandoned = false

    /// The next thing that the plugin's side says.
    func next() async -> Event {
        if !events.isEmpty { return events.removeFirst() }
        return await withCheckedContinuation { reader = $0 }
    }

    func finish(_ result: Result<JSONValue, PluginError>) { say(.finished(result)) }

    /// Asks the spec; nil when it has given up on this call.
    func ask(_ question: LuaValue) async -> LuaValue? {
        if isAbandoned { return nil }
        say(.question(question))
        return await withCheckedContinuation { asker = $0 }
    }

    func answer(_ value: LuaValue) {
        asker?.resume(returning: value)
        asker = nil
    }

    /// Whoever waits for an answer gets none, now and later.
    func abandon() {
        isAbandoned = true
        asker?.resume(returning: nil)
        asker = nil
    }

    private func say(_ event: Event) {
        if let reader {
            self.reader = nil
            reader.resume(returning: event)
        } else {
            events.append(event)
        }
    }
}
