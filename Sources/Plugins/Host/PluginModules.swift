import JSON
import Lua

/// Finds what `require` names: "lib.count" in the plugin's own folder, "@textlib" and "@textlib/wrap" in a library that
/// the manifest requires. Only files that were read with the plugin are there, so a name cannot lead elsewhere.
public struct PluginModules: Sendable {
    public struct Module: Sendable {
        /// The file name that errors show.
        public var chunk: String
        public var source: [UInt8]
    }

    let plugin: Plugin

    public init(plugin: Plugin) { self.plugin = plugin }

    /// - Throws: `E_MODULE`.
    public func find(_ name: String) throws(LuaHostError) -> Module {
        name.hasPrefix("@") ? try findInLibrary(name.dropFirst()) : try findOwn(name)
    }

    private func findOwn(_ name: String) throws(LuaHostError) -> Module {
        let path = Self.path(name)
        if let source = plugin.sources[path], path != plugin.mainFile { return Module(chunk: path, source: source) }
        let known = plugin.sources.keys.filter { $0 != plugin.mainFile }.map {
            String($0.dropLast(4)).replacing("/", with: ".")
        }
        let guess = Suggestion.question(for: name, among: known)
        throw LuaHostError(
            "E_MODULE",
            "there is no module \"\(name)\" (\(path)) in the plugin's folder\(guess)"
        )
    }

    private func findInLibrary(_ name: Substring) throws(LuaHostError) -> Module {
        let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let libraryName = String(parts[0])
        guard let library = plugin.libraries[libraryName] ?? nested(libraryName) else {
            throw LuaHostError(
                "E_MODULE",
                "the library \"\(libraryName)\" is not required; the manifest would allow it with "
                    + "\"requires\": {\"\(libraryName)\": \"*\"}"
            )
        }
        let path = parts.count == 1 ? library.mainFile : Self.path(String(parts[1]))
        guard let source = library.sources[path] else {
            throw LuaHostError("E_MODULE", "there is no \(path) in the library \"\(libraryName)\"")
        }
        return Module(chunk: "@\(libraryName)/\(path)", source: source)
    }

    /// A library that another library requires.
    private func nested(_ name: String) -> Plugin? {
        var pending = Array(plugin.libraries.values)
        while let library = pending.popLast() {
            if let found = library.libraries[name] { return found }
            pending += library.libraries.values
        }
        return nil
    }

    private static func path(_ name: String) -> String { name.replacing(".", with: "/") + ".lua" }
}
