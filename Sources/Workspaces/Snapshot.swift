/// What a workspace had written when it was frozen, for other workspaces to start from. It takes memory until the last workspace
/// over it and this value are gone.
public struct Snapshot: Sendable {
    /// Of the workspace that was frozen: the limits and the identity of those that are opened over it.
    public let policy: Policy
    let layers: [FrozenLayer]
}

/// A layer that the launcher keeps until this is dropped.
final class FrozenLayer: Sendable {
    let number: UInt32
    private let launcher: Launcher

    init(number: UInt32, launcher: Launcher) {
        self.number = number
        self.launcher = launcher
    }

    deinit { launcher.release(number) }
}

extension WorkspaceHost {
    /// A workspace that starts with what `snapshot` holds. Takes as long as opening an empty one.
    public func open(_ snapshot: Snapshot) async throws(WorkspaceError) -> Workspace {
        try await make(snapshot.policy, over: snapshot.layers)
    }
}
