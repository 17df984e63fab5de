import ArgumentParser
import Basics
import JSON
import Plugins
import Runs

struct LockCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock", abstract: "Grants the plugins what they ask for, as they are now.",
        discussion: """
            Writes plugins.lock.json beside each directory of plugins that is not shipped with ISE, or the file that --lock \
            names, for the plugins of all directories. From then on a plugin that differs, or that is new, is not loaded until it \
            is locked again. Prints what differs from the lock that was there.
            """)

    @OptionGroup var plugins: PluginOptions

    func run() async throws {
        let directories = try plugins.find()
        var setup = PluginSetup(directories, trusting: PluginDirectories.trust(plugins.trust))
        setup.ignoresLocks = true
        let catalog = await PluginCatalog.load(setup).checked()
        await catalog.shutdown()
        for problem in catalog.problems { warn("plugin left out: \(problem)") }
        for (file, plugins) in try places(directories, catalog.all) { try write(plugins, to: file) }
        if !catalog.problems.isEmpty { throw ExitCode(1) }
    }

    private func places(_ directories: [String], _ all: [Plugin]) throws -> [(file: String, plugins: [Plugin])] {
        if let file = plugins.lock { return [(file, all)] }
        let places = directories.map { directory in
            (PluginLock.place(beside: directory), all.filter { $0.location.hasPrefix(directory + "/") })
        }
        .filter { !$0.1.isEmpty && !$0.1.allSatisfy(\.isShipped) }
        guard places.isEmpty else { return places }
        throw fail("only the plugins that are shipped with ISE are here; name a file with --lock to lock those")
    }

    private func write(_ plugins: [Plugin], to file: String) throws {
        let lock = PluginLock(plugins)
        let before: PluginLock?
        do { before = try PluginLock.read(file) } catch {
            throw fail(error.message)
        }
        do throws(SystemError) {
            try Files.replace(file, Array((lock.json.pretty + "\n").utf8))
        } catch {
            throw fail("cannot write the lock: \(error)")
        }
        let changes = (before ?? PluginLock([])).differences(to: lock)
        print(changes.isEmpty ? "\(file): nothing has changed" : "\(file):")
        for line in changes { print("  \(line)") }
    }
}
