import Intents
import Plugins

/// The intents of a run, and what turns them into tasks.
struct IntentSource: Sendable {
    let records: [IntentRecord]
    /// The lines that were skipped.
    let problems: [IntentProblem]
    let restorer: TaskRestorer

    /// Reads or makes the intents.
    init(_ configuration: RunConfiguration, catalog: PluginCatalog) async throws(RunError) {
        do throws(IntentError) {
            let author = try await PluginAuthor(catalog: catalog)
            restorer = TaskRestorer(pools: author.pools, author: author)
            switch configuration.source {
            case .file(let path, let limit):
                let file = try IntentFile(path: path)
                records = Array(file.records.prefix(limit ?? .max))
                problems = file.problems
            case .generated(let count):
                records = try await IntentGenerator.records(count, author: author, seed: configuration.seed)
                problems = []
            }
        } catch {
            throw RunError(.input, error.message)
        }
    }
}
