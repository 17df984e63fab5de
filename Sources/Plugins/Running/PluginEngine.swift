import Basics
import Lua

/// Where a plugin's Lua runs. What it does is the same in both.
public enum PluginEngine: Sendable {
    /// In this process: for plugins that are trusted as much as ISE itself.
    case inProcess
    /// In a process of its own in a workspace.
    case worker(PluginWorkers)

    /// `in-process` or `worker`.
    public var name: String {
        switch self {
        case .inProcess: "in-process"
        case .worker: "worker"
        }
    }

    public var isTrusted: Bool {
        if case .inProcess = self { true } else { false }
    }

    /// `onLine` is told of lines only within this process.
    func makeState(
        _ name: String, _ limits: LuaLimits, seed: UInt64, host: [LuaHostFunction], onLine: LineObserver? = nil
    ) throws(LuaError) -> any LuaEngine {
        switch self {
        case .inProcess:
            return try LuaState(name: name, limits: limits, seed: seed, host: host, onLine: onLine)
        case .worker(let workers):
            return LuaWorker(name: name, limits: limits, seed: seed, host: host) { () async throws(LuaError) in
                try await workers.connect(memory: limits.memory)
            }
        }
    }
}

/// Which plugins run within ISE's own process; all others run in workers.
public struct PluginTrust: Sendable {
    /// Directories of plugins that are ISE's own, as `realpath(3)` gives them.
    public var directories: [String]
    /// Names of plugins.
    public var names: Set<String>
    let workers: PluginWorkers?

    /// Trusts all.
    public static let all = PluginTrust(directories: [], names: [], workers: nil)

    var isTotal: Bool { workers == nil }

    public init(directories: [String], names: Set<String> = [], workers: PluginWorkers) {
        self.init(directories: directories, names: names, workers: Optional(workers))
    }

    private init(directories: [String], names: Set<String>, workers: PluginWorkers?) {
        self.directories = directories
        self.names = names
        self.workers = workers
    }

    /// A plugin is trusted when all code that runs in its state is: also its libraries'.
    func engine(of plugin: Plugin) -> PluginEngine {
        guard let workers, !isTrusted(plugin) else { return .inProcess }
        return .worker(workers)
    }

    func isTrusted(_ plugin: Plugin) -> Bool {
        guard workers != nil else { return true }
        return (plugin.isShipped || names.contains(plugin.manifest.name))
            && plugin.libraries.values.allSatisfy(isTrusted)
    }

    func covers(_ directory: String) -> Bool {
        Files.resolved(directory).map(directories.contains) ?? false
    }
}
