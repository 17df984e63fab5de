import JSON
import Trace

extension TraceEvent {
    /// Every plugin that takes part, where each runs, and what each is: manifest and sources, by hash.
    /// - Parameters:
    ///   - others: what takes part besides and is no plugin of ours.
    ///   - sources: `Plugin.sources(of:)` of these, for who has them at hand.
    public static func plugins(
        _ plugins: [Plugin], others: [PluginUse] = [], sources: [UInt8]? = nil
    ) -> TraceEvent {
        let uses = plugins.map { plugin in
            PluginUse(
                kind: plugin.manifest.kind.rawValue, name: plugin.manifest.name,
                version: plugin.manifest.version.description, hash: plugin.hash, engine: plugin.engine.name)
        }
        return .plugins(uses + others).attaching("sources", sources ?? Plugin.sources(of: plugins))
    }
}

extension Plugin {
    /// The manifests and sources of plugins and their libraries as one JSON object by hash, so that what ran can be read
    /// again. Equal plugins give equal bytes.
    public static func sources(of plugins: [Plugin]) -> [UInt8] {
        var all: [String: JSONValue] = [:]
        func add(_ plugin: Plugin) {
            guard all[plugin.hash] == nil else { return }
            all[plugin.hash] = plugin.record
            for library in plugin.libraries.values { add(library) }
        }
        for plugin in plugins { add(plugin) }
        return JSONValue.object(JSONObject(all.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })).canonicalBytes
    }

    private var record: JSONValue {
        let files = sources.sorted { $0.key < $1.key }.map { path, bytes -> (String, JSONValue) in
            if let text = String(validating: bytes, as: UTF8.self) { return (path, .string(text)) }
            let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            return (path, ["hex": .string(hex)])
        }
        return [
            "manifest": manifest.json, "main": .string(mainFile), "files": .object(JSONObject(files)),
            "libraries": .object(
                JSONObject(libraries.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value.hash)) })),
        ]
    }
}
