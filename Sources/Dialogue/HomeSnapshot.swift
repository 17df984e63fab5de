import Glibc
import Trace
import Workspaces

/// The files of the home directory at one moment, to tell what a user turn has done.
///
/// Content decides, not time stamps: a kernel tick is longer than a short command, so a file that is written twice within one
/// would look untouched on some runs and changed on others. Time stamps only spare reading files that have long been still.
struct HomeSnapshot: Sendable {
    private enum Content: Equatable {
        case hash(ContentHash)
        /// Too large to be read, a link, or something that cannot be read.
        case other(kind: FileStatus.Kind, size: Int)
    }

    private struct File {
        var content: Content
        var status: FileStatus

        func differs(from other: File) -> Bool { content != other.content || status.mode != other.status.mode }
    }

    private var files: [String: File] = [:]
    /// Nanoseconds since 1970: a file that was last written before this cannot have been written again unnoticed.
    private var settled: Int64

    /// Longer than any kernel's tick.
    private static let tick: Int64 = 50_000_000

    /// - Parameters:
    ///   - earlier: a snapshot of the same workspace, whose knowledge of files that have not been touched since is kept.
    ///   - fileLimit: larger files, in bytes, are compared by size.
    ///   - totalLimit: files after so many bytes are compared by size.
    static func taken(
        of workspace: Workspace, after earlier: HomeSnapshot? = nil, fileLimit: Int = 256 << 10,
        totalLimit: Int = 8 << 20
    ) async throws(WorkspaceError) -> HomeSnapshot {
        var snapshot = HomeSnapshot(settled: now() - tick)
        var left = totalLimit
        for entry in try await workspace.list(Workspace.home, recursive: true).entries
        where entry.status.kind != .directory && !isNoise(entry.path) {
            let status = entry.status
            var content = Content.other(kind: status.kind, size: status.size)
            if status.kind == .file, status.size <= min(fileLimit, left) {
                left -= status.size
                if let known = earlier?.content(of: entry) {
                    content = known
                } else if let hash = try await hash(of: entry.path, in: workspace) {
                    content = .hash(hash)
                }
            }
            snapshot.files[entry.path] = File(content: content, status: status)
        }
        return snapshot
    }

    private init(settled: Int64) { self.settled = settled }

    var paths: [String] { files.keys.sorted() }

    /// What happened between `self` and `later`.
    func changes(to later: HomeSnapshot) -> FileChanges {
        FileChanges(
            created: later.files.keys.filter { files[$0] == nil }.sorted(),
            changed: later.files.filter { files[$0.key]?.differs(from: $0.value) == true }.keys.sorted(),
            deleted: files.keys.filter { later.files[$0] == nil }.sorted())
    }

    private func content(of entry: FileListing.Entry) -> Content? {
        guard let file = files[entry.path], file.status == entry.status, entry.status.modified < settled else {
            return nil
        }
        return file.content
    }

    /// What programs keep for themselves is no result of a task.
    private static func isNoise(_ path: String) -> Bool {
        let components = path.split(separator: "/")
        return ["__pycache__", ".git", ".cache", "node_modules"].contains { components.contains($0) }
    }

    private static func hash(of path: String, in workspace: Workspace) async throws(WorkspaceError) -> ContentHash? {
        do { return ContentHash(of: try await workspace.read(Home.path(path))) } catch  where error.concernsThePath {
            return nil
        }
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
