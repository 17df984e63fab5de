import Hashing
import JSON

extension PolicyFile {
    /// Names this policy for good: the SHA-256 of its effective form (`json`) in canonical JSON: every key, keys sorted, no spaces.
    /// It does not depend on the machine, on how a value was spelled, on whether it was left out or came from an option. A path in a
    /// file that is relative counts as written; what a path leads to does not count.
    public var digest: ContentHash {
        var written = self
        if let directory {
            func relative(_ path: String) -> String {
                path.hasPrefix(directory) ? String(path.dropFirst(directory.count)) : path
            }
            written.root = root.map(relative)
            written.binds = binds.map { HostOptions.Bind(relative($0.source), at: $0.path) }
        }
        return ContentHash(of: written.json.canonicalBytes)
    }

    /// Of a policy with the usual root, without binds, and with the usual bounds of commands.
    public init(_ policy: Policy) {
        base = policy
        base.network = .loopback
        switch policy.network {
        case .none: network = .none
        case .loopback: network = .loopback
        case .allowList(let rules): (network, allowed) = (.allowList, rules)
        case .host: network = .host
        }
    }
}
