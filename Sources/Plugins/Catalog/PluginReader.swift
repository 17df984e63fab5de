import JSON
import Lua

/// Reads one plugin from its folder or its one file, without running anything of it.
enum PluginReader {
    static func readFolder(
        _ folder: String, name: String, kind: PluginManifest.Kind, parses: Bool = true
    ) throws(PluginProblem) -> Plugin {
        let manifestFile = folder + "/plugin.json"
        let text = try read(manifestFile)
        let manifest = try self.manifest(text, file: manifestFile, firstLine: 1)
        try check(manifest, name: name, kind: kind, file: manifestFile, text: text)
        let sources: [String: [UInt8]]
        do throws(PluginFiles.Failure) { sources = try PluginFiles.sources(in: folder) } catch {
            throw PluginProblem(file: folder, reason: error.reason)
        }
        guard sources["main.lua"] != nil else {
            throw PluginProblem(
                file: folder, reason: "there is no main.lua, the file that returns the plugin's functions")
        }
        let plugin = Plugin(manifest: manifest, sources: sources, mainFile: "main.lua", location: folder)
        if parses { try checkSyntax(plugin) { folder + "/" + $0 } }
        return plugin
    }

    static func readFile(
        _ file: String, name: String, kind: PluginManifest.Kind, parses: Bool = true
    ) throws(PluginProblem) -> Plugin {
        let source = try read(file)
        guard let block = manifestBlock(source) else {
            throw PluginProblem(
                file: file, line: 1,
                reason: "a one-file plugin begins with --[[plugin, its manifest as JSON, and ]]; there is no such block"
            )
        }
        let manifest = try self.manifest(block.text, file: file, firstLine: 1)
        try check(manifest, name: name, kind: kind, file: file, text: block.text)
        let main = name + ".lua"
        let plugin = Plugin(manifest: manifest, sources: [main: source], mainFile: main, location: file)
        if parses { try checkSyntax(plugin) { _ in file } }
        return plugin
    }

    /// The JSON between `--[[plugin` and `]]` (any level of the long bracket) at the start of a file.
    static func manifestBlock(_ source: [UInt8]) -> (text: [UInt8], end: Int)? {
        var position = source.starts(with: Array("--[".utf8)) ? 3 : source.count
        let level = source[position...].prefix { $0 == UInt8(ascii: "=") }.count
        position += level
        let opening = Array("[plugin".utf8)
        guard source[min(position, source.count)...].starts(with: opening) else { return nil }
        position += opening.count
        let closing = Array("]".utf8) + Array(repeating: UInt8(ascii: "="), count: level) + Array("]".utf8)
        var end = position
        while end + closing.count <= source.count {
            if source[end...].starts(with: closing) { return (Array(source[position..<end]), end + closing.count) }
            end += 1
        }
        return nil
    }

    private static func read(_ path: String) throws(PluginProblem) -> [UInt8] {
        do throws(PluginFiles.Failure) { return try PluginFiles.read(path) } catch {
            throw PluginProblem(file: path, reason: error.reason)
        }
    }

    private static func manifest(
        _ text: [UInt8], file: String, firstLine: Int
    ) throws(PluginProblem) -> PluginManifest {
        let json: JSONValue
        do throws(JSONError) { json = try JSONValue(parsing: text) } catch {
            throw PluginProblem(
                file: file, line: error.line + firstLine - 1, reason: "the manifest is no JSON: \(error.reason)")
        }
        do throws(ManifestProblem) { return try PluginManifest(json) } catch {
            throw PluginProblem(file: file, line: line(of: error.key, in: text), reason: error.message)
        }
    }

    /// Where a key stands, for an editor to jump to; 1 when it is not found.
    private static func line(of key: String?, in text: [UInt8]) -> Int {
        guard let key else { return 1 }
        let quoted = Array("\"\(key)\"".utf8)
        let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
        let index = lines.firstIndex { line in
            line.indices.contains { line[$0] == quoted[0] && line[$0...].starts(with: quoted) }
        }
        return (index ?? 0) + 1
    }

    private static func check(
        _ manifest: PluginManifest, name: String, kind: PluginManifest.Kind, file: String, text: [UInt8]
    ) throws(PluginProblem) {
        if manifest.kind != kind {
            throw PluginProblem(
                file: file, line: line(of: "kind", in: text),
                reason: "it says kind \"\(manifest.kind.rawValue)\" but stands in \(kind.folder)/")
        }
        if manifest.name != name {
            throw PluginProblem(
                file: file, line: line(of: "name", in: text),
                reason: "it says name \"\(manifest.name)\" but its file or folder is called \"\(name)\"")
        }
    }

    private static func checkSyntax(_ plugin: Plugin, path: (String) -> String) throws(PluginProblem) {
        for (file, source) in plugin.sources.sorted(by: { $0.key < $1.key }) {
            guard let error = LuaState.syntaxError(in: source, chunk: file) else { continue }
            throw PluginProblem(file: path(file), line: error.line, reason: error.message)
        }
    }
}

extension PluginProblem: Error {}
