import JSON

/// Gives tasks their values and intents their text. The persona and domain plugins do it; see ``PluginAuthor``.
///
/// Equal arguments must give equal answers: an intent is built again from the seeds in its record.
public protocol IntentAuthor: Sendable {
    /// The instance of `task` that `seed` stands for.
    func instantiate(
        _ task: String, domain: String, persona: Persona, seed: UInt64
    ) async throws(IntentError) -> TaskInstance

    /// One text in the persona's own words that makes all the requests.
    func compose(_ requests: [String], persona: PooledPersona, seed: UInt64) async throws(IntentError) -> String
}
