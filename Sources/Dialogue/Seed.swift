import Trace

/// Seeds for the plugins of a trajectory. They depend on names only, so neither the order in which trajectories run nor a
/// plugin more changes what another one draws.
enum Seed {
    static func derive(_ seed: UInt64, _ names: String...) -> UInt64 {
        let text = ([String(seed)] + names).joined(separator: "\u{1F}")
        return UInt64(ContentHash(of: text).hex.prefix(16), radix: 16) ?? seed
    }
}
