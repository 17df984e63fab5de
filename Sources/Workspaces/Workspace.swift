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
    let launcher: Launcher
    private let policyNumber: UInt32
    let template: Template
    let binds: [CheckedBind]
    let egress: EgressProxy?
    let state = Mutex(State())
    let tracker: Mutex<ChangeTracker>
    let processes: ProcessTracker?

    struct State {
        var session: Session?
        /// Inits that were told to end when the workspace was frozen.
        var ending: [Session] = []
        var layers: [FrozenLayer] = []
        var channel: PacketChannel?
        var listener: DenialListener?
        var nextRequest: UInt32 = 1
        var commands: [UInt32: RunningCommand] = [:]
        /// Who waits for the answer to a file request. Called outside the lock.
        var requests: [UInt32: @Sendable (Result<IncomingMessage, WorkspaceError>) -> Void] = [:]
        /// Streams of ended commands that something left running may still write to.
        var lateStreams: [OutputStream] = []
        var jobs: [Job] = []
        /// As they were counted last.
        var limitHits: [Limits.Kind: Int] = [:]
        /// The host has written files since the last look.
        var isDirty = false
        var untold: [FileChange] = []
        var isFreezing = false
        var isClosed = false
    }

    /// One init's life. A workspace that was frozen goes on with another one over the frozen layer.
    final class Session: Sendable {
        let number: UInt32
        let ready = OneShot<Result<Void, WorkspaceError>>()
        let opened = OneShot<Result<Void, WorkspaceError>>()
        let gone = OneShot<Void>()
        let pid = Mutex<Int?>(nil)
        /// Of its control groups; 0: it has none.
        let group = Atomic<UInt32>(0)
        /// The host id of root inside, when the host was started as root.
        let firstID = Atomic<UInt32>(0)
        let probe = Mutex<LiveProbe?>(nil)
        init(number: UInt32) { self.number = number }
    }

    init(
        id: String, policy: Policy, number: UInt32, layers: [FrozenLayer], binds: [CheckedBind],
        template: Template, isolation: IsolationReport, reactor: Reactor, launcher: Launcher
    ) {
        self.id = id
        self.policy = policy
        policyNumber = number
        egress = policy.makeProxy(reactor)
        processes = policy.tracksProcesses ? ProcessTracker() : nil
        self.isolation = isolation
        self.reactor = reactor
        self.launcher = launcher
        self.template = template
        self.binds = binds
        tracker = Mutex(Self.tracker(policy, layers, binds, template))
        state.withLock { $0.layers = layers }
    }

    deinit {
        if let session = state.withLock({ $0.isClosed ? nil : $0.session }) { launcher.kill(session.number) }
        tearDown(WorkspaceError(.closed, "the workspace was dropped"))
    }

    // MARK: Opening and closing

    /// Asks the launcher for an init over the layers and waits until it is ready.
    func start() async throws(WorkspaceError) {
        var sockets: [Int32] = [-1, -1]
        let error = ise_socket_pair(&sockets)
        guard error == 0 else { throw .failed(stage: "make a socket pair", errno: error) }
        let session = Session(number: launcher.nextNumber())
        let channel = PacketChannel(sockets[0], reactor) { [weak self] in self?.receive($0, session) }
        let layers = state.withLock { state in
            state.session = session
            state.channel = channel
            return state.layers
        }
        channel.start()
        do {
            defer { Glibc.close(sockets[1]) }
            try launcher.open(
                session.number, policy: policyNumber, layers: layers.map(\.number), binds: binds, socket: sockets[1]
            ) { [weak self] message in
                // Also when the workspace object is gone: somebody may wait for the end.
                if message?.type != Int(ISE_OPENED.rawValue) { session.gone.set(()) }
                if let self {
                    receiveFromLauncher(message, session)
                } else {
                    for descriptor in message?.descriptors ?? [] { Glibc.close(descriptor) }
                }
            }
        } catch {
            session.gone.set(())
            tearDown(error)
            throw error
        }
        try await session.ready.value.get()
        try await session.opened.value.get()
    }

    /// Ends every process in the workspace and returns when nothing of it is left.
    public func close() async {
        let (session, ending) = state.withLock { state in
            state.isClosed = true
            return (state.session, state.ending)
        }
        if let session { launcher.kill(session.number) }
        for session in ending + [session].compactMap({ $0 }) { await session.gone.value }
        tearDown(WorkspaceError(.closed, "the workspace is closed"))
    }

    /// The init's pid on the host; nil until the launcher has said it.
    public var initPID: Int? { state.withLock { $0.session }?.pid.withLock { $0 } }

    /// False once it is closed or its init has died.
    public var isOpen: Bool { state.withLock { !$0.isClosed } }

    private func receiveFromLauncher(_ message: IncomingMessage?, _ session: Session) {
        guard state.withLock({ $0.session === session && !$0.isClosed }) else {
            for descriptor in message?.descriptors ?? [] { Glibc.close(descriptor) }
            return
        }
        guard let message else {
            tearDown(WorkspaceError(.unavailable, "the launcher of workspaces has ended"))
            return
        }
        if message.type == ISE_OPENED.rawValue {
            session.pid.withLock { $0 = message.field(ISE_T_PID).map { Int(truncatingIfNeeded: $0.number) } }
            func number(_ tag: ise_tag) -> UInt32 { UInt32(truncatingIfNeeded: message.field(tag)?.number ?? 0) }
            session.group.store(number(ISE_T_GROUP), ordering: .relaxed)
            session.firstID.store(number(ISE_T_ID_BASE), ordering: .relaxed)
            session.opened.set(listen(message.descriptors))
        } else if message.type == ISE_FAILED.rawValue {
            tearDown(unavailable(message.failure()))
        } else if message.type == ISE_CLOSED.rawValue {
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
                let session = state.session
                state = State()
                state.session = session
                state.isClosed = true
            }
            return state
        }
        old.channel?.close()
        old.listener?.close()
        egress?.detach()
        for stream in old.lateStreams { stream.close() }
        for command in old.commands.values { command.fail(error) }
        for answer in old.requests.values { answer(.failure(error)) }
        old.session?.ready.set(.failure(error))
        old.session?.opened.set(.failure(error))
    }

    // MARK: Messages of the init

    private func receive(_ message: IncomingMessage?, _ session: Session) {
        guard state.withLock({ $0.session === session }) else {
            for descriptor in message?.descriptors ?? [] { Glibc.close(descriptor) }
            return
        }
        guard let message else {
            tearDown(WorkspaceError(.closed, "the workspace's init has ended"))
            return
        }
        switch message.type {
        case Int(ISE_READY.rawValue): becomeReady(message, session)
        case Int(ISE_STARTED.rawValue): noteStart(message)
        case Int(ISE_EXITED.rawValue): finishCommand(message)
        case Int(ISE_FAILED.rawValue) where message.id == 0:
            session.ready.set(.failure(unavailable(message.failure())))
        default: answer(message)
        }
    }

    private func becomeReady(_ message: IncomingMessage, _ session: Session) {
        if let descriptor = message.descriptors.first {
            let listener = DenialListener(descriptor, reactor, processes: processes) { [weak self] in
                self?.noteDenial($0)
            }
            state.withLock { $0.listener = listener }
            listener.start()
        }
        session.ready.set(.success(()))
    }

    /// A refusal belongs to the commands that run now: to each of them, when there are several.
    private func noteDenial(_ call: RefusedCall) {
        for command in state.withLock({ Array($0.commands.values) }) { command.noteDenial(call) }
    }

    private func noteStart(_ message: IncomingMessage) {
        if let command = state.withLock({ $0.commands[message.id] }) {
            command.noteStart(message)
        } else {
            for descriptor in message.descriptors { Glibc.close(descriptor) }
        }
    }

    private func finishCommand(_ message: IncomingMessage) {
        guard let command = state.withLock({ $0.commands.removeValue(forKey: message.id) }) else { return }
        command.finish(report: message, processes: processes, listens: policy.reportsDenials)
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
            if let mark = message.field(ISE_T_MARK) { _ = processes?.take(mark.number, argv: []) }
            command.fail(command.startFailure(message))
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
        case ISE_LISTEN: "listen for the proxy, below"
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
        return path.isAbsolutePath ? path : home + "/" + path
    }

    func register(_ command: RunningCommand, id: UInt32) throws(WorkspaceError) -> PacketChannel {
        let (channel, isFreezing) = state.withLock { state in
            if state.channel != nil, !state.isFreezing { state.commands[id] = command }
            return (state.channel, state.isFreezing)
        }
        guard !isFreezing else { throw WorkspaceError(.busy, "the workspace is being frozen") }
        guard let channel else { throw WorkspaceError(.closed, "the workspace is closed") }
        return channel
    }

    /// The jobs that were started and not forgotten, ended ones too, in the order of their start.
    public var jobs: [Job] { state.withLock { $0.jobs } }

    func keep(_ job: Job) { state.withLock { $0.jobs.append(job) } }

    /// Drops an ended job and its output.
    public func forget(_ job: Job) { state.withLock { $0.jobs.removeAll { $0 === job } } }

    func unregister(_ id: UInt32) {
        state.withLock { $0.commands[id] = nil }
    }

    /// Sends a signal to the whole tree of a command.
    func signal(_ id: UInt32, _ signal: Int32, reason: ise_ended_by) {
        var message = OutgoingMessage(ISE_SIGNAL, id: id)
        message.add(ISE_T_SIGNAL, signal)
        message.add(ISE_T_REASON, reason.rawValue)
        try? state.withLock { $0.channel }?.send(message)  // a closed workspace has nothing left to kill
    }
}
