import Glibc
import Synchronization
import WorkspaceShim

/// An OS workspace of its own: namespaces, a copy-on-write root, a filter, limits, and an init that starts commands in it.
///
/// Close it when done. One that is dropped unclosed is killed, and all are when the process ends, however it ends.
public final class Workspace: Sendable {
    /// The home and first working directory of the commands.
    public static let home = "/home/user"

    public let id: String
    public let policy: Policy
    public let isolation: IsolationReport

    let reactor: Reactor
    private let launcher: Launcher
    private let state = Mutex(State())
    private let ready = OneShot<Result<Void, WorkspaceError>>()
    private let gone = OneShot<Void>()

    private struct State {
        var channel: PacketChannel?
        var number: UInt32?
        var listener: DenialListener?
        var nextRequest: UInt32 = 1
        var commands: [UInt32: RunningCommand] = [:]
        /// Who waits for the answer to a file request. Called outside the lock.
        var requests: [UInt32: @Sendable (Result<IncomingMessage, WorkspaceError>) -> Void] = [:]
        /// Streams of ended commands that something left running may still write to.
        var lateStreams: [OutputStream] = []
        var isClosed = false
    }

    init(id: String, policy: Policy, isolation: IsolationReport, reactor: Reactor, launcher: Launcher) {
        self.id = id
        self.policy = policy
        self.isolation = isolation
        self.reactor = reactor
        self.launcher = launcher
    }

    deinit {
        if let number = state.withLock({ $0.isClosed ? nil : $0.number }) { launcher.kill(number) }
        tearDown(WorkspaceError(.closed, "the workspace was dropped"))
    }

    // MARK: Opening and closing

    /// Asks the launcher for a workspace and waits until its init is ready.
    func start(policyNumber: UInt32) async throws(WorkspaceError) {
        var sockets: [Int32] = [-1, -1]
        let error = ise_socket_pair(&sockets)
        guard error == 0 else { throw .failed(stage: "make a socket pair", errno: error) }
        let channel = PacketChannel(sockets[0], reactor) { [weak self] in self?.receive($0) }
        state.withLock { $0.channel = channel }
        channel.start()
        do {
            defer { Glibc.close(sockets[1]) }
            let number = try launcher.open(policy: policyNumber, socket: sockets[1]) { [weak self] in
                self?.receiveFromLauncher($0)
            }
            state.withLock { $0.number = number }
        } catch {
            tearDown(error)
            throw error
        }
        try await ready.value.get()
    }

    /// Ends every process in the workspace and returns when nothing of it is left.
    public func close() async {
        let number = state.withLock { state in
            state.isClosed = true
            return state.number
        }
        if let number {
            launcher.kill(number)
            await gone.value
        }
        tearDown(WorkspaceError(.closed, "the workspace is closed"))
    }

    /// False once it is closed or its init has died.
    public var isOpen: Bool { state.withLock { !$0.isClosed } }

    private func receiveFromLauncher(_ message: IncomingMessage?) {
        guard let message else {
            gone.set(())
            tearDown(WorkspaceError(.unavailable, "the launcher of workspaces has ended"))
            return
        }
        if message.type == ISE_FAILED.rawValue {
            gone.set(())
            tearDown(unavailable(message.failure()))
        } else if message.type == ISE_CLOSED.rawValue {
            gone.set(())
            tearDown(WorkspaceError(.closed, "the workspace's init has ended"))
        }
    }

    private func unavailable(_ error: WorkspaceError) -> WorkspaceError {
        WorkspaceError(.unavailable, "could not open a workspace: \(error.message)", errno: error.errno)
    }

    /// Whoever still waits gets `error`.
    private func tearDown(_ error: WorkspaceError) {
        let old = state.withLock { state in
            defer {
                let number = state.number
                state = State()
                state.number = number
                state.isClosed = true
            }
            return state
        }
        old.channel?.close()
        old.listener?.close()
        for stream in old.lateStreams { stream.close() }
        for command in old.commands.values {
            command.closeStreams()
            command.outcome.set(.failure(error))
        }
        for answer in old.requests.values { answer(.failure(error)) }
        ready.set(.failure(error))
    }

    // MARK: Messages of the init

    private func receive(_ message: IncomingMessage?) {
        guard let message else {
            tearDown(WorkspaceError(.closed, "the workspace's init has ended"))
            return
        }
        switch message.type {
        case Int(ISE_READY.rawValue): becomeReady(message)
        case Int(ISE_STARTED.rawValue): break
        case Int(ISE_EXITED.rawValue): finishCommand(message)
        case Int(ISE_FAILED.rawValue) where message.id == 0:
            ready.set(.failure(unavailable(message.failure())))
        default: answer(message)
        }
    }

    private func becomeReady(_ message: IncomingMessage) {
        if let descriptor = message.descriptors.first {
            let listener = DenialListener(descriptor, reactor) { [weak self] in self?.noteDenial($0) }
            state.withLock { $0.listener = listener }
            listener.start()
        }
        ready.set(.success(()))
    }

    /// A refusal belongs to the commands that run now: to each of them, when there are several.
    private func noteDenial(_ syscall: Int32) {
        for command in state.withLock({ Array($0.commands.values) }) { command.noteDenial(syscall) }
    }

    private func finishCommand(_ message: IncomingMessage) {
        guard let command = state.withLock({ $0.commands.removeValue(forKey: message.id) }) else { return }
        command.finish(report: message)
        state.withLock { state in
            state.lateStreams.removeAll { !$0.isOpen }
            state.lateStreams += [command.stdout, command.stderr].filter(\.isOpen)
        }
    }

    private func answer(_ message: IncomingMessage) {
        let failed = message.type == ISE_FAILED.rawValue
        let (command, request) = state.withLock { state in
            (state.commands.removeValue(forKey: message.id), state.requests.removeValue(forKey: message.id))
        }
        if let command, failed {
            command.closeStreams()
            command.outcome.set(.failure(command.startFailure(message)))
        } else if let request {
            request(failed ? .failure(message.failure()) : .success(message))
        } else {
            for descriptor in message.descriptors { Glibc.close(descriptor) }
        }
    }

    // MARK: Requests

    /// Sends a file request and waits for its answer, whose descriptors then belong to the caller.
    func ask(
        _ type: ise_type, path: String, fill: (inout OutgoingMessage) -> Void = { _ in }
    ) async throws(WorkspaceError) -> IncomingMessage {
        let id = nextRequest()
        var message = OutgoingMessage(type, id: id)
        message.add(ISE_T_PATH, string: try Self.absolute(path))
        fill(&message)
        let outgoing = message
        let result: Result<IncomingMessage, WorkspaceError> = await withCheckedContinuation { continuation in
            let channel = state.withLock { state in
                if state.channel != nil { state.requests[id] = { continuation.resume(returning: $0) } }
                return state.channel
            }
            guard let channel else {
                continuation.resume(returning: .failure(WorkspaceError(.closed, "the workspace is closed")))
                return
            }
            do throws(WorkspaceError) { try channel.send(outgoing) } catch {
                state.withLock { $0.requests.removeValue(forKey: id) }?(.failure(error))
            }
        }
        do { return try result.get() } catch {
            guard error.errno != 0 else { throw error }
            throw .failed(stage: Self.stage(type), errno: error.errno, path: path)
        }
    }

    private static func stage(_ type: ise_type) -> String {
        switch type {
        case ISE_OPEN_FILE: "open"
        case ISE_LIST: "list"
        case ISE_STAT: "look at"
        case ISE_REMOVE: "remove"
        default: "make the directory"
        }
    }

    func nextRequest() -> UInt32 {
        state.withLock { state in
            defer { state.nextRequest += 1 }
            return state.nextRequest
        }
    }

    /// Relative paths begin at the home. `..` is left to the kernel, which cannot leave the root.
    static func absolute(_ path: String) throws(WorkspaceError) -> String {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw WorkspaceError(.invalidPath, "a path must not be empty nor hold a NUL byte", path: path)
        }
        guard path.utf8.count < 4096 else {
            throw WorkspaceError(.tooBig, "the path has \(path.utf8.count) bytes, the limit is 4095", path: path)
        }
        return path.hasPrefix("/") ? path : home + "/" + path
    }

    func register(_ command: RunningCommand, id: UInt32) throws(WorkspaceError) -> PacketChannel {
        let channel = state.withLock { state in
            if state.channel != nil { state.commands[id] = command }
            return state.channel
        }
        guard let channel else { throw WorkspaceError(.closed, "the workspace is closed") }
        return channel
    }

    func unregister(_ id: UInt32) {
        state.withLock { $0.commands[id] = nil }
    }

    /// Ends the whole tree of a command.
    func kill(_ id: UInt32, reason: ise_ended_by) {
        var message = OutgoingMessage(ISE_SIGNAL, id: id)
        message.add(ISE_T_SIGNAL, SIGKILL)
        message.add(ISE_T_REASON, reason.rawValue)
        try? state.withLock { $0.channel }?.send(message)  // a closed workspace has nothing left to kill
    }
}
