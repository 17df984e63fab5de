import Intents
import Plugins

/// The intents of a run, and what turns them into tasks.
struct IntentSource: Sendable {
    let records: [IntentRecord]
    /// The lines that were skipped.
    let badLines: [IntentProblem]
    /// Why persona and domain plugins were left out.
    let pluginProblems: [IntentError]
    let restorer: TaskRestorer

    /// Reads or makes the intents.
    init(_ configuration: RunConfiguration, catalog: PluginCatalog) async throws(RunError) {
        let author = await PluginAuthor(catalog: catalog)
        pluginProblems = author.problems
        do throws(IntentError) {
            restorer = TaskRestorer(pools: author.pools, author: author)
            switch configuration.source {
            case .file(let path, let limit):
                let file = try IntentFile(path: path)
                records = Array(file.records.prefix(limit ?? .max))
                badLines = file.problems
            case .generated(let count):
                records = try await IntentGenerator.records(count, author: author, seed: configuration.seed)
                badLines = []
            }
        } catch {
            throw RunError(.input, error.message)
        }
    }
}
