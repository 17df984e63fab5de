/// What one workspace may do. The default is what an untrusted agent gets.
public struct Policy: Sendable, Hashable {
    public var limits = Limits()
    public var network = Network.loopback
    /// Of a network with an allow-list.
    public var egress = EgressLimits()
    public var identity = Identity.user
    /// Refused system calls become facts of the results. Costs nothing for calls that are allowed.
    public var reportsDenials = true

    /// Whether the result of a command lists the files that it created, changed and deleted.
    public var changeTracking = ChangeTracking.off

    /// Results tell which processes ran (`ProcessRecord`). Each execution and each exit then waits for the host.
    public var tracksProcesses = false

    public init() {}

    public enum Network: Sendable, Hashable {
        /// Not even a loopback interface.
        case none
        /// A private namespace with `lo` up.
        case loopback
        /// As `loopback`, and an HTTP proxy at 127.0.0.1:3128, which the commands' environment names: it reaches what a rule names,
        /// and nothing without rules. There is no other way out.
        case allowList([EgressRule])
        /// The host's own network. Must be asked for by name.
        case host
    }

    /// Who a command is, inside. On the host it is an unprivileged id either way.
    public enum Identity: String, Sendable, Hashable, CaseIterable {
        /// uid 1000.
        case user
        /// uid 0 over a copy-on-write system: may change `/etc` and `/usr`.
        case root
    }
}

/// Bounds of a workspace as a whole. Nil: no bound beyond the machine's.
public struct Limits: Sendable, Hashable {
    /// Bytes that all files written may take.
    public var diskBytes = 1 << 30
    /// Files, directories and links that may be made.
    public var inodes = 200_000
    /// Memory of all processes and files, in bytes.
    public var memoryBytes: Int? = 2 << 30
    public var processes: Int? = 256
    /// 100 = one core.
    public var cpuPercent: Int?
    /// Descriptors a process may have open.
    public var openFiles = 1024
    /// Bytes that one file may have.
    public var fileBytes: Int?
    /// Limits that must be enforced for the whole tree of processes: where the machine cannot, opening fails. The others are then
    /// bounded a process (`setrlimit(2)`), and the isolation report says so.
    public var required: Set<Kind> = []

    public init() {}

    public enum Kind: String, Sendable, Hashable, CaseIterable { case memory, processes, cpu }
}
