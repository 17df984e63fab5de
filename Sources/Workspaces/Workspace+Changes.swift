import Basics
import Glibc
import WorkspaceShim

extension Workspace {
    /// What was created, changed and deleted since the last call, but for what results of commands have told already. With the
    /// policy's tracking off, only metadata counts.
    public func changes() async throws(WorkspaceError) -> [FileChange] { try await checkedChanges().changes }

    /// As `changes`, and whether all that was written could be read: where not, something may be lacking.
    public func checkedChanges() async throws(WorkspaceError) -> (changes: [FileChange], isComplete: Bool) {
        let later = try await look()
        return (takeUntold() + later.changes, later.isComplete)
    }

    /// Files that the host itself has written must not be put down to the next command.
    func noteOwnChanges() async throws(WorkspaceError) {
        guard policy.changeTracking != .off, takeDirty() else { return }
        keepUntold(try await look().changes)
    }

    func addChanges(to result: inout ExecResult) async throws(WorkspaceError) {
        guard policy.changeTracking != .off else { return }
        let seen = try await look()
        (result.changes, result.changesAreComplete) = (seen.changes, seen.isComplete)
    }

    func look() async throws(WorkspaceError) -> (changes: [FileChange], isComplete: Bool) {
        let answer = try await ask(ISE_LOOK, path: "/")
        guard let upper = answer.descriptors.first else { throw .failed(stage: "look at the files", errno: EIO) }
        return await blocking { [self] in
            defer { Glibc.close(upper) }
            return withTracker { $0.look(at: upper, places: template.places) }
        }
    }

    // MARK: What was seen

    static func tracker(
        _ policy: Policy, _ layers: [FrozenLayer], _ binds: [CheckedBind], _ template: Template
    ) -> ChangeTracker {
        ChangeTracker(policy.changeTracking, ignored: Set(binds.flatMap(\.places))) { path in
            for layer in layers.reversed() {
                if let holds = layer.holds(path, template.places) { return holds }
            }
            return template.holds(path)
        }
    }

    func withTracker<Value>(_ body: (inout ChangeTracker) -> sending Value) -> sending Value {
        tracker.withLock { body(&$0) }
    }

    func markDirty() { state.withLock { $0.isDirty = true } }

    func takeDirty() -> Bool {
        state.withLock { state in
            defer { state.isDirty = false }
            return state.isDirty
        }
    }

    func keepUntold(_ changes: [FileChange]) { state.withLock { $0.untold += changes } }

    func takeUntold() -> [FileChange] {
        state.withLock { state in
            defer { state.untold = [] }
            return state.untold
        }
    }
}
