import Trace
import Workspaces

/// The files of the home directory at one moment, to tell what a user turn has done.
///
/// Content decides, not time stamps: a kernel tick is longer than a short command, so a file rewritten twice within one would
/// look untouched on some runs and changed on others.
struct HomeSnapshot: Sendable, Equatable {
    private enum Content: Equatable {
        case hash(ContentHash)
        /// Too large to be kept, a link, or something that cannot be read.
        case other(kind: FileStatus.Kind, size: Int)
    }

    private struct File: Equatable {
        var content: Content
        var mode: UInt16
    }

    private var files: [String: File] = [:]

    /// Files above `fileLimit` bytes, and files after `totalLimit` bytes were read, are compared by size.
    static func taken(
        of workspace: Workspace, fileLimit: Int = 256 << 10, totalLimit: Int = 8 << 20
    ) async throws(WorkspaceError) -> HomeSnapshot {
        var snapshot = HomeSnapshot()
        var left = totalLimit
        for entry in try await workspace.list(Workspace.home, recursive: true).entries
        where entry.status.kind != .directory && !isNoise(entry.path) {
            let status = entry.status
            var content = Content.other(kind: status.kind, size: status.size)
            if status.kind == .file, status.size <= min(fileLimit, left) {
                left -= status.size
                if let hash = try await hash(of: entry.path, in: workspace) { content = .hash(hash) }
            }
            snapshot.files[entry.path] = File(content: content, mode: status.mode)
        }
        return snapshot
    }

    var paths: [String] { files.keys.sorted() }

    /// What happened between `self` and `later`.
    func changes(to later: HomeSnapshot) -> FileChanges {
        FileChanges(
            created: later.files.keys.filter { files[$0] == nil }.sorted(),
            changed: later.files.filter { files[$0.key] != nil && files[$0.key] != $0.value }.keys.sorted(),
            deleted: files.keys.filter { later.files[$0] == nil }.sorted())
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
}
