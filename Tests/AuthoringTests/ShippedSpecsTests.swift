import Plugins
import Testing
import Workspaces

@testable import Authoring

/// The specs of the plugins that ISE ships.
@Suite struct ShippedSpecsTests {
    private static let catalog: PluginCatalog = {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        return PluginCatalog.load(from: [root + "/plugins"])
    }()

    private static let plugins = PluginManifest.Kind.allCases.flatMap { catalog.plugins(kind: $0) }

    @Test func `They pass in fake and real workspaces, twice alike, and no made-up call breaks a plugin`() async throws
    {
        let host = try await WorkspaceHost.start()
        for plugin in Self.plugins {
            var options = SpecRunner.Options()
            options.twice = true
            options.faults = true
            options.fuzz = 20
            let results = try await SpecRunner(plugin, options, host: host).run()
            #expect(results.contains { $0.mode == "fake" }, "\(plugin.title) has no specs")
            for result in results where result.failure != nil {
                Issue.record("\(TestReport([result], wall: .zero).text(verbose: false, color: false))")
            }
        }
        await host.shutdown()
    }

    @Test(arguments: plugins.map(\.title)) func `Lint has nothing to say of them`(title: String) throws {
        let plugin = try #require(Self.plugins.first { $0.title == title })
        #expect(Linter(plugin).findings().map(\.description) == [])
    }
}
