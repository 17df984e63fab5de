import ArgumentParser
import JSON
import Plugins

struct PluginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin", abstract: "Shows the plugins.", subcommands: [List.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the plugins that are found.")

        @Flag(help: "Print one JSON object a plugin.")
        var json = false

        @OptionGroup var plugins: PluginOptions

        func run() async throws {
            let catalog = try await plugins.catalog(in: plugins.find())
            for kind in PluginManifest.Kind.allCases {
                for plugin in catalog.plugins(kind: kind) { show(plugin) }
            }
            if !catalog.problems.isEmpty { throw ExitCode(1) }
        }

        private func show(_ plugin: Plugin) {
            let manifest = plugin.manifest
            guard json else {
                let kind = manifest.kind.rawValue
                let title = kind + String(repeating: " ", count: max(1, 11 - kind.count)) + manifest.name
                let summary = manifest.description.prefix { $0 != "." && $0 != "\n" }
                return print("\(title) \(manifest.version)  \(summary)")
            }
            let value: JSONValue = [
                "kind": .string(manifest.kind.rawValue), "name": .string(manifest.name),
                "version": .string(manifest.version.description), "description": .string(manifest.description),
                "hash": .string(plugin.hash),
            ]
            print(value.compact)
        }
    }
}
