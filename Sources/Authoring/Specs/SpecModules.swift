import Lua
import Plugins

/// What a spec may require: "@test", the plugin's own modules and libraries, helpers beside the spec.
struct SpecModules: Sendable {
    let spec: SpecFile
    let plugin: Plugin

    var require: LuaHostFunction {
        .immediate("require") { values throws(LuaHostError) in
            let (chunk, source) = try find(values.first?.string ?? "")
            return ["chunk": .string(chunk), "source": .bytes(source)]
        }
    }

    private func find(_ name: String) throws(LuaHostError) -> (chunk: String, source: [UInt8]) {
        switch name {
        case TestLibrary.name: return (TestLibrary.name, Array(TestLibrary.source.utf8))
        case "@spec": return (spec.name, spec.source)
        case _ where name.hasPrefix("spec."):
            let file = name.replacing(".", with: "/") + ".lua"
            guard let source = spec.helpers[file] else {
                throw LuaHostError("E_MODULE", "there is no \(file) beside the spec")
            }
            return (file, source)
        case _ where name == "@" + plugin.manifest.name && plugin.manifest.kind == .library:
            return (plugin.mainFile, plugin.sources[plugin.mainFile] ?? [])
        default:
            let module = try PluginModules(plugin: plugin).find(name)
            return (module.chunk, module.source)
        }
    }
}
