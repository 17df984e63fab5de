import JSON
import Plugins
import Testing

@Suite struct ShippedPluginsTests {
    private static var catalog: PluginCatalog {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        return PluginCatalog.load(from: [root + "/plugins"])
    }

    @Test func `All of them load, within their limits`() async {
        let catalog = await Self.catalog.checked()
        #expect(catalog.problems == [])
        #expect(catalog.plugins(kind: .tool).map(\.manifest.name).contains("exec"))
        #expect(!catalog.plugins(kind: .domain).isEmpty && !catalog.plugins(kind: .persona).isEmpty)
    }

    @Test func `Domains give the same instance for the same seed`() async throws {
        let persona: JSONValue = ["name": "Ada", "role": "Engineer", "experience_level": "Senior"]
        for domain in Self.catalog.plugins(kind: .domain) {
            func instances(seed: UInt64) async throws -> [JSONValue] {
                let plugin = try await PluginInstance(domain, host: HostServices(), seed: seed)
                var instances: [JSONValue] = []
                for task in try await plugin.value("tasks").array ?? [] {
                    instances.append(try await plugin.call("instantiate", [task["name"] ?? "", persona]))
                }
                return instances
            }
            let first = try await instances(seed: 3)
            #expect(!first.isEmpty)
            #expect(try await instances(seed: 3) == first)
            #expect(try await instances(seed: 4) != first)
        }
    }
}
