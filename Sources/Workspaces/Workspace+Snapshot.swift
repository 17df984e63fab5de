import Glibc
import WorkspaceShim

extension Workspace {
    /// Freezes all that was written here. The result can be opened any number of times, at no cost that grows with what is in
    /// it; this workspace goes on over it, with a new init, as every other does.
    ///
    /// - Throws: `busy` while a command or something that one left behind is running.
    public func snapshot() async throws(WorkspaceError) -> Snapshot {
        let session = state.withLock { state -> Session? in
            guard state.commands.isEmpty, !state.isFreezing, !state.isClosed else { return nil }
            state.isFreezing = true
            return state.session
        }
        guard let session else {
            throw WorkspaceError(
                isOpen ? .busy : .closed,
                isOpen ? "the workspace cannot be frozen while a command is running in it" : "the workspace is closed")
        }
        do throws(WorkspaceError) {
            let answer = try await ask(ISE_UPPER, path: "/")
            defer { for descriptor in answer.descriptors { Glibc.close(descriptor) } }
            return try await goOn(over: launcher.freeze(answer.descriptors), after: session)
        } catch {
            state.withLock { $0.isFreezing = false }
            guard error.errno == EBUSY else { throw error }
            throw WorkspaceError(
                .busy, "the workspace cannot be frozen while processes are running in it", errno: EBUSY)
        }
    }

    private func goOn(over layer: FrozenLayer, after session: Session) async throws(WorkspaceError) -> Snapshot {
        let (old, layers) = state.withLock { state in
            let old = (state.channel, state.listener, state.lateStreams)
            state.layers.append(layer)
            let layers = state.layers
            tracker.withLock { $0 = Self.tracker(policy, layers, binds, template) }
            state.session = nil
            state.limitHits = [:]
            state.channel = nil
            state.listener = nil
            state.lateStreams = []
            return (old, state.layers)
        }
        egress?.detach()
        state.withLock { state in
            state.ending.removeAll { $0.gone.valueIfSet != nil }
            state.ending.append(session)
        }
        // The old init's end keeps the machine busy for as long as it has written much: that must not delay the new one.
        defer {
            launcher.kill(session.number)
            old.0?.close()
            old.1?.close()
            for stream in old.2 { stream.close() }
        }
        try await start()
        state.withLock { $0.isFreezing = false }
        // What is known of the old init says nothing of the new one.
        if session.probe.withLock({ $0 }) != nil { _ = try await liveProbe().verified() }
        return Snapshot(policy: policy, layers: layers, binds: binds)
    }
}
