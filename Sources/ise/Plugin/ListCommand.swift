import ArgumentParser
import Authoring
import JSON
import Plugins
import Trace

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the plugins that are found.",
        discussion: "Exit status 1 when one that is there cannot be used; standard error says why.")

    @Argument(help: "Only plugins of this kind: tool, persona, domain, simulator, agent, guard, checker or library.")
    var kind: String?

    @Flag(help: "Print one JSON object a plugin.")
    var json = false

    @OptionGroup var plugins: PluginOptions

    func run() async throws {
        let kinds = try kind.map { [try Self.kind($0)] } ?? PluginManifest.Kind.allCases
        let catalog = try await plugins.catalog(in: plugins.find())
        for kind in kinds {
            for plugin in catalog.plugins(kind: kind) { show(plugin) }
        }
        await catalog.shutdown()
        if !catalog.problems.isEmpty { throw ExitCode(1) }
    }

    /// "tool" or "tools".
    static func kind(_ text: String) throws -> PluginManifest.Kind {
        let kinds = PluginManifest.Kind.allCases
        if let kind = kinds.first(where: { $0.rawValue == text || $0.folder == text }) { return kind }
        let guess = Suggestion.question(for: text, among: kinds.map(\.rawValue))
        throw fail(
            "there is no kind of plugins \"\(text)\"\(guess); the kinds are "
                + kinds.map(\.rawValue).joined(separator: ", "))
    }

    private func show(_ plugin: Plugin) {
        let manifest = plugin.manifest
        guard json else {
            let kind = manifest.kind.rawValue
            let title = kind + String(repeating: " ", count: max(1, 11 - kind.count)) + manifest.name
            let engine = plugin.engine.isTrusted ? "" : " (in a worker)"
            return print("\(title) \(manifest.version)\(engine)  \(manifest.summary)".visibleLine)
        }
        let value: JSONValue = [
            "kind": .string(manifest.kind.rawValue), "name": .string(manifest.name),
            "version": .string(manifest.version.description), "description": .string(manifest.description),
            "location": .string(plugin.location), "hash": .string(plugin.hash),
            "engine": .string(plugin.engine.name),
        ]
        print(value.compact)
    }
}
