import FoundationEssentials
import TestSupport
import Testing

@testable import Runs

@Suite struct PluginDirectoriesTests {
    private func tree(_ folders: String...) throws -> TemporaryDirectory {
        let place = try TemporaryDirectory()
        for folder in folders {
            try FileManager.default.createDirectory(
                atPath: "\(place.path)/\(folder)", withIntermediateDirectories: true)
        }
        return place
    }

    @Test func `what is given by name comes first, then the environment, then the shipped ones, then those here`()
        throws
    {
        let place = try tree("mine", "env/a", "repository/plugins/tools", "repository/.build/release", "here/plugins")
        let found = try PluginDirectories.find(
            given: [place.path + "/mine"], environment: place.path + "/env/a",
            executable: place.path + "/repository/.build/release/ise", current: place.path + "/here")
        #expect(
            found.map { $0.dropFirst(place.path.count) } == ["/mine", "/env/a", "/repository/plugins", "/here/plugins"])
    }

    @Test func `a directory that is reached in two ways counts once`() throws {
        let place = try tree("plugins/tools", "bin")
        let found = try PluginDirectories.find(
            given: [place.path + "/bin/../plugins"], environment: nil, executable: place.path + "/bin/ise",
            current: place.path)
        #expect(found.count == 1)
    }

    @Test func `one that was asked for and isn't there is an error, one that is only usual is not`() throws {
        let place = try tree()
        #expect(
            try PluginDirectories.find(environment: nil, executable: place.path + "/ise", current: place.path) == [])
        let flag = try #require(throws: RunError.self) {
            try PluginDirectories.find(given: [place.path + "/none"], environment: nil)
        }
        #expect(flag.message.contains("--plugins"))
        let variable = try #require(throws: RunError.self) {
            try PluginDirectories.find(environment: place.path + "/none", executable: nil, current: place.path)
        }
        #expect(variable.message.contains("ISE_PLUGINS"))
    }
}
