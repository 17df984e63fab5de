import Basics
import Glibc
import Plugins

/// A spec of a plugin: `spec/NAME_spec.lua` in its folder or `NAME_spec.lua` beside its main file.
public struct SpecFile: Sendable {
    /// As errors show it: "spec/run_spec.lua".
    public var name: String
    public var source: [UInt8]
    /// Where golden files lie: a folder of the spec's name beside it.
    public var goldenFolder: String
    /// The other Lua files of the `spec` folder, which the spec may require as "spec.NAME".
    public var helpers: [String: [UInt8]]

    /// The specs of a plugin, sorted by name. A spec that cannot be read is an error with the system's reason.
    public static func find(for plugin: Plugin) throws(AuthoringError) -> [SpecFile] {
        guard plugin.mainFile == "main.lua" else {
            let path = String(plugin.location.dropLast(4)) + "_spec.lua"
            guard Files.isFile(path) else { return [] }
            return [try read(path, name: lastName(of: path), helpers: [:])]
        }
        let folder = plugin.location
        var helpers: [String: [UInt8]] = [:]
        for name in try listFolder(folder + "/spec") where name.hasSuffix(".lua") && !name.hasSuffix("_spec.lua") {
            helpers["spec/" + name] = try readFile(folder + "/spec/" + name)
        }
        var specs: [SpecFile] = []
        for prefix in ["", "spec/"] {
            for name in try listFolder(folder + "/" + prefix) where name.hasSuffix("_spec.lua") {
                specs.append(try read(folder + "/" + prefix + name, name: prefix + name, helpers: helpers))
            }
        }
        return specs
    }

    private static func read(
        _ path: String, name: String, helpers: [String: [UInt8]]
    ) throws(AuthoringError) -> SpecFile {
        SpecFile(
            name: name, source: try readFile(path), goldenFolder: String(path.dropLast("_spec.lua".count)) + "_golden",
            helpers: helpers)
    }
}
