import JSON
import Lua
import Trace

/// A plugin that runs: its own Lua state with its own host functions. What one trajectory does cannot reach another's
/// instance.
public actor PluginInstance {
    public nonisolated let plugin: Plugin
    private let lua: any LuaEngine
    private let session: HostSession
    private let context: LuaValue

    /// Loads the plugin's file into a fresh state. `seed` is the run's; each plugin draws from streams of its own.
    ///
    /// Throws `plugin_bug` for an error of the file, `limit` when it uses too much, `invalid_args` when `config` does
    /// not fit.
    public init(_ plugin: Plugin, host: HostServices, seed: UInt64, config: JSONValue = [:]) async throws(PluginError) {
        self.plugin = plugin
        let manifest = plugin.manifest
        session = HostSession(manifest, host, ceiling: plugin.ceiling)
        let settings = try Self.settings(config, manifest)
        context = [
            "plugin": .string(manifest.name), "version": .string(manifest.version.description),
            "config": LuaValue(settings, droppingNulls: true),
        ]
        let table = HostTable(session: session, modules: PluginModules(plugin: plugin))
        let limits = LuaLimits(memory: plugin.limits.memory, cpu: plugin.limits.cpu)
        do throws(LuaError) {
            lua = try plugin.engine.makeState(
                plugin.title, limits, seed: Self.seed(seed, manifest), host: table.functions, onLine: host.onLine)
            try await lua.load(plugin.sources[plugin.mainFile] ?? [], chunk: plugin.mainFile)
        } catch {
            throw PluginError(error, limits: plugin.limits)
        }
        for function in manifest.kind.functions {
            guard await !has(function) else { continue }
            throw PluginError.bug(
                "\(plugin.title): \(plugin.mainFile) must return a table with the function \"\(function)\"")
        }
    }

    /// Throws the first error that the parser finds in the sources, also in those that nothing has required yet.
    func checkSyntax() async throws(PluginError) {
        for (file, source) in plugin.sources.sorted(by: { $0.key < $1.key }) {
            do throws(LuaError) { try await lua.check(source, chunk: file) } catch {
                throw PluginError(error, limits: plugin.limits)
            }
        }
    }

    /// Calls a function of the plugin with the arguments and its context table. A tool's arguments to `run` are
    /// validated before, with defaults filled in.
    ///
    /// The call ends at its wall limit and when the task is cancelled; host functions that wait are cancelled then.
    public func call(_ function: String, _ arguments: [JSONValue]) async throws(PluginError) -> JSONValue {
        var arguments = arguments
        let manifest = plugin.manifest
        if manifest.kind == .tool, function == "run" {
            arguments = [try Self.validated(arguments.first ?? [:], manifest)] + arguments.dropFirst()
        }
        let result = try await callLua(function, arguments.map { LuaValue($0, droppingNulls: true) }).json
        if let schema = manifest.returns, function == manifest.kind.functions.first,
            case .failure(let violations) = SchemaValidator.validate(result, against: schema)
        {
            let first = violations.first.map(\.description) ?? ""
            throw PluginError.bug("the result of \"\(function)\" does not fit \"returns\": \(first)")
        }
        return result
    }

    /// As `call`, without validation and without turning bytes into text.
    public func callLua(_ function: String, _ arguments: [LuaValue]) async throws(PluginError) -> LuaValue {
        let limits = plugin.limits
        session.beginCall()
        do throws(LuaError) {
            let result = try await lua.call(
                function, arguments, context: context, deadline: ContinuousClock.now + limits.wall)
            guard result.approximateSize <= limits.output else {
                throw LuaError(.limit(.size), "the result is larger than \(limits.output) bytes")
            }
            return result
        } catch {
            var failure = PluginError(error, limits: limits)
            failure.lastHostCalls = session.recentCalls
            throw failure
        }
    }

    /// A member of the table that the plugin returned, which must be data; null when there is none.
    public func value(_ member: String) async throws(PluginError) -> JSONValue {
        do throws(LuaError) { return try await lua.value(member).json } catch {
            throw PluginError(error, limits: plugin.limits)
        }
    }

    /// Whether the plugin has a function of this name.
    public func has(_ function: String) async -> Bool { (try? await lua.has(function)) ?? false }

    private static func validated(_ value: JSONValue, _ manifest: PluginManifest) throws(PluginError) -> JSONValue {
        let schema = manifest.parameters ?? ["type": "object", "properties": [:]]
        switch SchemaValidator.validate(manifest.withoutAliases(value), against: schema) {
        case .success(let filled): return filled
        case .failure(let violations): throw .invalidArguments(violations)
        }
    }

    private static func settings(_ config: JSONValue, _ manifest: PluginManifest) throws(PluginError) -> JSONValue {
        guard let schema = manifest.config else {
            guard config.object?.isEmpty == true else {
                throw PluginError(
                    code: "invalid_args", message: "the \(manifest.kind.rawValue) \(manifest.name) takes no settings")
            }
            return config
        }
        switch SchemaValidator.validate(config, against: schema) {
        case .success(let filled): return filled
        case .failure(let violations):
            let list = violations.map(\.description).joined(separator: "; ")
            throw PluginError(
                code: "invalid_args",
                message: "the settings of the \(manifest.kind.rawValue) \(manifest.name) do not fit: \(list)")
        }
    }

    /// So that adding a plugin to a run changes nothing for the others.
    private static func seed(_ seed: UInt64, _ manifest: PluginManifest) -> UInt64 {
        let hash = ContentHash(of: "\(seed) \(manifest.kind.rawValue) \(manifest.name)").hex
        return UInt64(hash.prefix(16), radix: 16) ?? seed
    }
}

extension PluginManifest.Kind {
    /// The functions that a plugin of the kind must have; the first is its work.
    public var functions: [String] {
        switch self {
        case .tool: ["run"]
        case .persona: ["compose"]
        case .domain: ["instantiate"]
        case .simulator, .agent: ["next"]
        case .guard, .checker: ["check"]
        case .library: []
        }
    }
}

extension LuaValue {
    /// Bytes of the strings, and some for each value.
    var approximateSize: Int {
        switch self {
        case .null, .bool: 1
        case .int, .double: 9
        case .bytes(let bytes): 5 + bytes.count
        case .array(let elements): elements.reduce(5) { $0 + $1.approximateSize }
        case .object(let members): members.reduce(5) { $0 + 4 + $1.key.count + $1.value.approximateSize }
        }
    }
}
