import Glibc
import Plugins

/// Notices changes of plugin folders, by looking: it works on every file system.
public struct Watcher: Sendable {
    private let places: [String]
    private var seen: [String: Stamp]

    private struct Stamp: Hashable, Sendable {
        var size: Int
        var modified: Int
        var nanoseconds: Int
        var inode: UInt64
    }

    /// `places` are folders and files.
    public init(_ places: [String]) {
        self.places = places
        seen = Self.look(places)
    }

    /// The files that changed, came or went since the last look, sorted.
    public mutating func changes() -> [String] {
        let now = Self.look(places)
        defer { seen = now }
        return Set(now.keys).union(seen.keys).filter { now[$0] != seen[$0] }.sorted()
    }

    private static func look(_ places: [String]) -> [String: Stamp] {
        var stamps: [String: Stamp] = [:]
        for place in places { look(place, &stamps, depth: 0) }
        return stamps
    }

    private static func look(_ path: String, _ stamps: inout [String: Stamp], depth: Int) {
        var status = stat()
        guard depth < 10, lstat(path, &status) == 0 else { return }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            stamps[path] = Stamp(
                size: Int(status.st_size), modified: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec,
                inode: UInt64(status.st_ino))
        case S_IFDIR:
            for name in (try? listFolder(path)) ?? [] { look(path + "/" + name, &stamps, depth: depth + 1) }
        default: break
        }
    }
}
