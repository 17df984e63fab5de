import Glibc
import JSON
import Plugins
import Testing

@Suite struct LockTests {
    private func write(_ directory: PluginDirectory, _ version: String, _ permissions: JSONValue, _ text: String) {
        directory.write(
            "plugins/tools/probe/plugin.json",
            manifest("tool", "probe", ["version": .string(version), "permissions": permissions]))
        directory.write("plugins/tools/probe/main.lua", "return { run = function() return '\(text)' end }")
    }

    private func load(_ directory: PluginDirectory) -> PluginCatalog { .load(from: [directory.path + "/plugins"]) }

    private func locked(_ directory: PluginDirectory) -> PluginLock { PluginLock(load(directory).all) }

    private func store(_ lock: PluginLock, _ directory: PluginDirectory) {
        directory.write("plugins.lock.json", lock.json.pretty)
    }

    @Test func `A lock lets through what it has and nothing else`() throws {
        let directory = PluginDirectory()
        write(directory, "1.0.0", ["exec": ["git"]], "a")
        store(locked(directory), directory)
        #expect(load(directory).problems.isEmpty)
        #expect(load(directory).plugins(kind: .tool).count == 1)

        directory.write("plugins/tools/other/plugin.json", manifest("tool", "other", ["permissions": ["model": true]]))
        directory.write("plugins/tools/other/main.lua", "return { run = print }")
        let catalog = load(directory)
        #expect(catalog.plugins(kind: .tool).map(\.manifest.name) == ["probe"])
        let reason = try #require(catalog.problems.first?.reason)
        #expect(reason.hasPrefix("the tool other is not in \(directory.path)/plugins.lock.json, so nobody has granted"))
        #expect(reason.hasSuffix("(model); `ise plugin lock` does"))
    }

    @Test func `A changed plugin says what it newly asks for`() throws {
        let directory = PluginDirectory()
        write(directory, "1.0.0", ["exec": ["git"]], "a")
        store(locked(directory), directory)
        write(directory, "1.1.0", ["exec": ["git", "curl"], "network": ["a.org:443"]], "a")
        let reason = try #require(load(directory).problems.first?.reason)
        #expect(
            reason.hasSuffix(
                "its content differs, it is 1.1.0 now and newly asks for exec curl, network a.org:443; "
                    + "`ise plugin lock` grants that"), "\(reason)")
        write(directory, "1.0.0", ["exec": ["git"]], "b")
        let same = try #require(load(directory).problems.first?.reason)
        #expect(
            same.hasSuffix("it still says 1.0.0 and asks for nothing new; `ise plugin lock` grants that"), "\(same)")
    }

    @Test func `A lock that is a link is no lock that lets everything through`() throws {
        let directory = PluginDirectory()
        write(directory, "1.0.0", ["exec": ["git"]], "a")
        directory.write("elsewhere.json", locked(directory).json.pretty)
        #expect(symlink("elsewhere.json", directory.path + "/plugins.lock.json") == 0)
        write(directory, "1.0.0", ["exec": ["git"]], "b")
        let catalog = load(directory)
        #expect(catalog.plugins(kind: .tool).isEmpty)
        let reason = try #require(catalog.problems.first?.reason)
        #expect(reason.hasSuffix("plugins.lock.json: links are not followed"), "\(reason)")
    }

    @Test func `Locking again tells the difference`() throws {
        let directory = PluginDirectory()
        write(directory, "1.0.0", ["exec": ["git"], "model": true], "a")
        let before = locked(directory)
        write(directory, "1.1.0", ["exec": ["git", "curl"]], "a")
        let after = locked(directory)
        #expect(
            before.differences(to: after) == ["~ tool probe 1.0.0 -> 1.1.0: asks for exec curl, no longer for model"])
        #expect(after.differences(to: PluginLock([])) == ["- tool probe 1.1.0"])
        #expect(
            PluginLock([]).differences(to: before) == [
                "+ tool probe 1.0.0: exec git, model"
            ])
        #expect(before.differences(to: before) == [])
        #expect(try PluginLock(before.json) == before)
    }

    @Test(arguments: [
        ("{", "the lock"), (#"{"plugins": [{"kind": "tol"}]}"#, "must be a kind of plugins"),
        (#"{"plugin": []}"#, "did you mean \"plugins\"?"),
    ]) func `A lock that cannot be read lets nothing through`(_ text: String, _ reason: String) throws {
        let directory = PluginDirectory()
        write(directory, "1.0.0", [:], "a")
        directory.write("plugins.lock.json", text)
        let catalog = load(directory)
        #expect(catalog.plugins(kind: .tool).isEmpty)
        #expect(catalog.problems.first?.reason.contains(reason) == true, "\(catalog.problems)")
    }

    @Test func `A lock that is named and not there lets nothing through`() throws {
        let directory = PluginDirectory()
        write(directory, "1.0.0", [:], "a")
        var setup = PluginSetup([directory.path + "/plugins"])
        setup.lock = directory.path + "/missing.json"
        let catalog = PluginCatalog.load(setup)
        #expect(catalog.all.isEmpty)
        #expect(catalog.problems.first?.reason == "there is no such lock; `ise plugin lock` makes it")
    }
}
