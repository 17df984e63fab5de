import Hashing

/// What happened to one path between two looks at a workspace.
public struct FileChange: Sendable, Hashable {
    public enum What: String, Sendable { case created, changed, deleted }

    /// Absolute, inside the workspace.
    public var path: String
    public var what: What
    /// Of what is there now; of a deleted path, what was there.
    public var kind: FileStatus.Kind
    /// Bytes; 0 for what is no regular file.
    public var size: Int
    /// Of a regular file up to the tracker's limit.
    public var hash: ContentHash?
}

/// How closely a workspace's files are watched.
public enum ChangeTracking: String, Sendable, Hashable, CaseIterable {
    case off
    /// By the inode's times and size. A write through a shared mapping changes neither and is not seen.
    case metadata
    /// By contents, too: every regular file that could have changed is hashed at each look.
    case content
}
