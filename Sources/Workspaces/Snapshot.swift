import Glibc

/// What a workspace had written when it was frozen, for other workspaces to start from. It takes memory until the last workspace
/// over it and this value are gone.
public struct Snapshot: Sendable {
    /// Of the workspace that was frozen: the limits and the identity of those that are opened over it.
    public let policy: Policy
    let layers: [FrozenLayer]
    let binds: [CheckedBind]
}

/// A layer that the launcher keeps until this is dropped.
final class FrozenLayer: Sendable {
    let number: UInt32
    private let launcher: Launcher
    /// The layer's own directory, to look up what it holds.
    private let directory: Int32

    init(number: UInt32, directory: Int32, launcher: Launcher) {
        self.number = number
        self.directory = directory
        self.launcher = launcher
    }

    deinit {
        close(directory)
        launcher.release(number)
    }

    /// Whether the path exists in it; nil: it says nothing, ask the layers below.
    func holds(_ path: String, _ places: [UpperPlace]) -> Bool? {
        guard let place = places.find(path) else { return nil }
        var status = stat()
        guard fstatat(directory, place.directory + place.rest, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return !(status.st_mode & S_IFMT == S_IFCHR && status.st_rdev == 0)
    }
}

extension WorkspaceHost {
    /// A workspace that starts with what `snapshot` holds, and sees what the frozen one had bound. Takes as long as opening an empty
    /// one.
    public func open(_ snapshot: Snapshot) async throws(WorkspaceError) -> Workspace {
        try await make(snapshot.policy, over: snapshot.layers, binds: snapshot.binds)
    }
}
