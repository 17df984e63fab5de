import Trace

/// Seeds of trajectories. They depend on the run's seed and the scenario's name only, so the order in which trajectories run
/// changes nothing.
enum Seed {
    static func derive(_ seed: UInt64, _ name: String) -> UInt64 {
        UInt64(ContentHash(of: "\(seed) \(name)").hex.prefix(16), radix: 16) ?? seed
    }
}
