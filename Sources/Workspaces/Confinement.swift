/// What a command may do less than its workspace may; it holds for the command and all that it starts. The kernel enforces
/// it: where it cannot, the command does not start.
///
/// Attempts to do more fail as they would for want of permission. They are not among the result's denials, which says so
/// (`denialsAreComplete`); what the proxy refuses is in its `networkAttempts`.
public struct Confinement: Sendable, Hashable {
    /// False: the file system is read-only for the command, but for `/dev`.
    public var writes = true
    /// The only programs that may be executed, by name as PATH finds them or by absolute path; nil: any. What the kernel needs
    /// to execute them (the interpreter of a script, the dynamic loader) may be executed, too, but not as the command itself. A
    /// program that starts or interprets others (a shell, `env`, `find`, the dynamic loader) can do whatever they could.
    public var programs: [String]?
    public var network = Network.inherited

    public init() {}

    public enum Network: Sendable, Hashable {
        /// What the workspace's policy gives.
        case inherited
        /// No socket of the internet families, not even to loopback.
        case none
        /// Through the workspace's proxy only, to what both the workspace's rules and these allow.
        case only([EgressRule])
    }

    public var isNone: Bool { writes && programs == nil && network == .inherited }
}
