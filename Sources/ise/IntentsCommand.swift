import ArgumentParser
import Intents
import Runs

struct IntentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "intents", abstract: "Draws intents from the loaded personas and domains.",
        discussion: "Prints one record of the ISE schema a line; `ise run --intents FILE` makes trajectories of them.")

    @Option(help: "How many.")
    var count = 10

    @Option(help: "Seed. Equal seeds give equal intents; a larger count continues a smaller one.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Write to this file instead of standard output.", valueName: "file"))
    var out: String?

    @OptionGroup var plugins: PluginOptions

    func validate() throws {
        if count < 1 { throw ValidationError("--count must be at least 1") }
    }

    func run() async throws {
        let catalog = try await plugins.catalog(in: plugins.find())
        do {
            let author = await PluginAuthor(catalog: catalog)
            for problem in author.problems { warn("plugin left out: \(problem)") }
            let records = try await IntentGenerator.records(count, author: author, seed: seed)
            if let out {
                try IntentFile.write(records, to: out)
            } else {
                print(String(decoding: IntentFile.bytes(of: records), as: UTF8.self), terminator: "")
            }
        } catch {
            throw fail(error.message)
        }
    }
}
