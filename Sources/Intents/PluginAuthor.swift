import JSON
import Plugins

/// The loaded persona and domain plugins at work.
///
/// Each call gets a plugin state of its own, seeded by the caller, so that an answer depends on its arguments and on nothing
/// that happened before.
public struct PluginAuthor: IntentAuthor {
    /// What the plugins describe.
    public let pools: IntentPools
    private let personas: [String: Plugin]
    private let domains: [String: Plugin]

    /// Reads the pools from every persona and domain plugin of `catalog`.
    /// - Throws: `.plugin` when one of them fails or describes itself wrongly.
    public init(catalog: PluginCatalog) async throws(IntentError) {
        fatalError("")
    }

    public func instantiate(
        _ task: String, domain: String, persona: Persona, seed: UInt64
    ) async throws(IntentError) -> TaskInstance {
        fatalError("")
    }

    public func compose(_ requests: [String], persona: PooledPersona, seed: UInt64) async throws(IntentError) -> String {
        fatalError("")
    }
}
