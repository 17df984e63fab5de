/// Where plugins come from, and under which conditions they are taken.
public struct PluginSetup: Sendable {
    /// The first of two plugins with the same kind and name counts.
    public var directories: [String]
    public var trust: PluginTrust
    public var policy = PluginPolicy()
    /// A lock file that holds for all plugins. Nil: where a lock stands beside a directory, it holds for that one.
    public var lock: String?
    /// For who is about to write them.
    public var ignoresLocks = false

    public init(_ directories: [String], trusting trust: PluginTrust = .all) {
        self.directories = directories
        self.trust = trust
    }
}
