import Basics
import Glibc
import Plugins

/// Where ISE looks for plugins.
public enum PluginDirectories {
    /// The directories that exist, in the order in which they count: those given by name, those in `ISE_PLUGINS` (separated by
    /// colons), then the first `plugins` beside the executable or in one of the directories above it, and the one in the
    /// current directory.
    /// - Throws: `.input` for a directory that was asked for by name and is not there.
    public static func find(
        given: [String] = [], environment: String? = getenv("ISE_PLUGINS").map { String(cString: $0) },
        executable: String? = executablePath, current: String = "."
    ) throws(RunError) -> [String] {
        for directory in given where !Files.isDirectory(directory) {
            throw RunError(.input, "there is no plugin directory \(directory); check --plugins")
        }
        let fromEnvironment = (environment ?? "").split(separator: ":").map(String.init)
        for directory in fromEnvironment where !Files.isDirectory(directory) {
            throw RunError(.input, "there is no plugin directory \(directory); check the variable ISE_PLUGINS")
        }
        let candidates = given + fromEnvironment + [shipped(with: executable), current + "/plugins"].compactMap { $0 }
        var seen: Set<String> = []
        return candidates.filter(Files.isDirectory).filter { seen.insert(Files.resolved($0) ?? $0).inserted }
    }

    /// Trusts what is shipped with the executable, and the plugins of these names.
    public static func trust(_ names: [String] = [], executable: String? = executablePath) -> PluginTrust {
        let directory = shipped(with: executable).flatMap(Files.resolved)
        return PluginTrust(directories: directory.map { [$0] } ?? [], names: Set(names), workers: PluginWorkers())
    }

    public static var executablePath: String? { Files.resolved("/proc/self/exe") }

    private static func shipped(with executable: String?) -> String? {
        var folder = executable?[...] ?? ""
        while let slash = folder.lastIndex(of: "/") {
            folder = folder[..<slash]
            if Files.isDirectory(folder + "/plugins/tools") { return folder + "/plugins" }
        }
        return nil
    }
}
