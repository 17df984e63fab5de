import Basics
import Glibc
import Synchronization
import WorkspaceShim

/// The host's side of the launcher process: asks for workspaces and hears of their ends.
final class Launcher: Sendable {
    private let channelBox = Mutex<PacketChannel?>(nil)
    private let state = Mutex(State())
    let pid: pid_t

    private struct State {
        var nextID: UInt32 = 1
        var watchers: [UInt32: @Sendable (IncomingMessage?) -> Void] = [:]
        var gone = false
    }

    /// Starts the process. It ends by itself when its socket closes, however this process ends.
    init(reactor: Reactor) throws(WorkspaceError) {
        var socket: Int32 = -1
        var pid: pid_t = 0
        let image = InitImage.bytes
        let error = image.withUnsafeBytes { ise_launch($0.baseAddress, $0.count, &socket, &pid) }
        guard error == 0 else { throw .failed(stage: "start the launcher", errno: error) }
        self.pid = pid
        let channel = PacketChannel(socket, reactor) { [weak self] message in self?.receive(message) }
        channelBox.withLock { $0 = channel }
        channel.start()
    }

    private var channel: PacketChannel? { channelBox.withLock { $0 } }

    /// Sends the template and returns the launcher's facts ("name=value").
    func build(_ template: OutgoingMessage) async throws(WorkspaceError) -> [String] {
        let answer = try await ask(template, id: 0)
        var facts: [String] = []
        answer.forEachField { if $0.tag == ISE_T_FACT.rawValue { facts.append($0.string) } }
        return facts
    }

    func define(_ policy: OutgoingMessage) throws(WorkspaceError) {
        try channel?.send(policy)
    }

    /// Of a workspace or a layer.
    func nextNumber() -> UInt32 {
        state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
    }

    /// `watcher` hears of OPENED, whose descriptors are then its own, FAILED and CLOSED of the workspace, and nil when the launcher
    /// itself is gone.
    func open(
        _ number: UInt32, policy: UInt32, layers: [UInt32], binds: [CheckedBind], socket: Int32,
        watcher: @escaping @Sendable (IncomingMessage?) -> Void
    ) throws(WorkspaceError) {
        var message = OutgoingMessage(ISE_OPEN, id: number)
        message.add(ISE_T_POLICY, policy)
        for layer in layers { message.add(ISE_T_LAYER, layer) }
        for bind in binds { bind.add(to: &message) }
        message.descriptors = [socket]
        guard let channel else { throw WorkspaceError(.unavailable, "the launcher of workspaces has ended") }
        state.withLock { $0.watchers[number] = watcher }
        do {
            try channel.send(message)
        } catch {
            state.withLock { $0.watchers[number] = nil }
            throw error
        }
    }

    /// Keeps the upper layer of a workspace in which nothing runs.
    ///
    /// - Parameter upper: the descriptors that its init gave.
    func freeze(_ upper: [Int32]) async throws(WorkspaceError) -> FrozenLayer {
        let number = nextNumber()
        var message = OutgoingMessage(ISE_FREEZE, id: number)
        message.descriptors = upper
        _ = try await ask(message, id: number)
        let directory = fcntl(upper.first ?? -1, F_DUPFD_CLOEXEC, 4)
        return FrozenLayer(number: number, directory: directory, launcher: self)
    }

    func release(_ layer: UInt32) {
        try? channel?.send(OutgoingMessage(ISE_RELEASE, id: layer))  // with the launcher, its layers are gone
    }

    func kill(_ id: UInt32) {
        // When the launcher is gone, so is the workspace.
        try? channel?.send(OutgoingMessage(ISE_KILL, id: id))
    }

    /// Closes the socket, on which the launcher ends every workspace, clears up and exits; waits for that.
    func end() async {
        channel?.close()
        channelBox.withLock { $0 = nil }
        let pid = pid
        await blocking { _ = waitpid(pid, nil, 0) }
    }

    private func ask(_ message: OutgoingMessage, id: UInt32) async throws(WorkspaceError) -> IncomingMessage {
        let result: Result<IncomingMessage, WorkspaceError> = await withCheckedContinuation { continuation in
            state.withLock { state in
                state.watchers[id] = { answer in
                    guard let answer else {
                        continuation.resume(
                            returning: .failure(WorkspaceError(.unavailable, "the launcher of workspaces ended early")))
                        return
                    }
                    let failed = [ISE_FAILED.rawValue, ISE_NOT_FROZEN.rawValue].contains(UInt32(answer.type))
                    continuation.resume(returning: failed ? .failure(answer.failure()) : .success(answer))
                }
            }
            do { try channel?.send(message) } catch { receive(nil) }
        }
        return try result.get()
    }

    private func receive(_ message: IncomingMessage?) {
        guard let message else {
            let watchers = state.withLock { state in
                state.gone = true
                defer { state.watchers = [:] }
                return state.watchers
            }
            for watcher in watchers.values { watcher(nil) }
            return
        }
        let isLast = message.type != ISE_OPENED.rawValue
        let watcher = state.withLock { state in
            isLast ? state.watchers.removeValue(forKey: message.id) : state.watchers[message.id]
        }
        if watcher == nil || message.type != ISE_OPENED.rawValue {
            for descriptor in message.descriptors { close(descriptor) }
        }
        watcher?(message)
    }
}

/// The static program that is launcher and init, unpacked once.
enum InitImage {
    static let bytes = EmbeddedProgram.decode(initImageBase64)
}
