import JSON
import Synchronization

/// What plugins keep from one call to the next, each for itself: JSON values by key. One for each trajectory.
public final class PluginStore: Sendable {
    private let values = Mutex<[String: JSONObject]>([:])

    public init() {}

    func get(_ key: String, of plugin: String) -> JSONValue? { values.withLock { $0[plugin]?[key] } }

    /// False when the plugin would then hold more than `limit` bytes; nothing is changed.
    func set(_ key: String, to value: JSONValue?, of plugin: String, limit: Int) -> Bool {
        values.withLock { values in
            var object = values[plugin] ?? [:]
            object[key] = value
            guard value == nil || JSONValue.object(object).compactBytes.count <= limit else { return false }
            values[plugin] = object
            return true
        }
    }

    /// All that one plugin holds.
    public func all(of plugin: String) -> JSONObject { values.withLock { $0[plugin] ?? [:] } }
}
