import Glibc
import Synchronization
import WorkspaceShim

/// The way out of one workspace with an allow-list: an HTTP proxy on the host's side of a socket that listens inside.
///
/// Whatever it gets from the workspace is hostile. It reads a request, compares its target with the rules, looks the
/// name up itself, checks each address, connects to one that it checked, and notes everything.
final class EgressProxy: ReactorHandler {
    let rules: EgressRules
    let limits: EgressLimits
    let log: EgressLog
    let reactor: Reactor
    private let resolve: @Sendable (String) -> Resolution
    private let lookUps = LookUps()
    private let state = Mutex(State())

    private struct State {
        var listener = WatchedSocket()
        var connections: [Int: EgressConnection] = [:]
        var nextConnection = 0
        var totalBytes = 0
        var isSweeping = false
    }

    init(
        rules: [EgressRule], limits: EgressLimits, reactor: Reactor,
        resolve: @escaping @Sendable (String) -> Resolution = Resolver.resolve
    ) {
        self.rules = EgressRules(rules: rules)
        self.limits = limits
        self.reactor = reactor
        self.resolve = resolve
        log = EgressLog(limit: limits.attempts)
    }

    // MARK: The listening socket

    /// Owns the descriptor from now on; one before it is let go.
    func attach(_ listener: Int32) {
        detach()
        state.withLock { state in
            state.listener = WatchedSocket(listener)
            state.listener.watch(EPOLLIN.rawValue, reactor, self)
        }
    }

    /// Ends every connection. The log stays.
    func detach() {
        let connections = state.withLock { state in
            state.listener.close(reactor)
            return Array(state.connections.values)
        }
        for connection in connections { connection.close("the workspace was closed") }
    }

    func ready(_ events: UInt32) { acceptSome() }

    /// Takes what waits already, on the reactor's thread: then all that a command that has ended tried is in the log.
    func settle() {
        for _ in 0..<Self.turnsToSettle { acceptSome() }
        for connection in state.withLock({ Array($0.connections.values) }) { connection.settle() }
    }

    private static let acceptedAtATurn = 64
    /// Together as many as can wait to be accepted.
    private static let turnsToSettle = 3

    private func acceptSome() {
        for _ in 0..<Self.acceptedAtATurn {
            let accepted: (client: Int32, connection: EgressConnection?)? = state.withLock { state in
                guard let client = accept(&state) else { return nil }
                guard state.connections.count < limits.connections else { return (client, nil) }
                let number = state.nextConnection
                state.nextConnection += 1
                let connection = EgressConnection(client, number, self)
                state.connections[number] = connection
                startSweeping(&state)
                return (client, connection)
            }
            guard let accepted else { return }
            if let connection = accepted.connection { connection.start() } else { turnAway(accepted.client) }
        }
    }

    private func accept(_ state: inout State) -> Int32? {
        guard state.listener.descriptor >= 0 else { return nil }
        let client = ise_accept(state.listener.descriptor)
        if client < 0, ![EAGAIN, EINTR, ECONNABORTED].contains(-client) {
            // No descriptor or no memory is left: the event would come again at once. The sweeper looks again.
            state.listener.watch(0, reactor, self)
            startSweeping(&state)
        }
        return client < 0 ? nil : client
    }

    /// More connections than the policy allows: told so, noted, closed.
    private func turnAway(_ client: Int32) {
        let reason = "more than \(limits.connections) connections at once"
        _ = log.begin { ($0.verdict, $0.reason) = (.refused, reason) }
        let refusal = EgressRefusal(
            status: 503, phrase: "Too Many Connections", text: "The workspace's proxy has \(reason) to serve")
        _ = SocketIO.send(refusal.bytes[...], to: client)
        Glibc.close(client)
    }

    // MARK: For the connections

    func remove(_ number: Int) {
        state.withLock { _ = $0.connections.removeValue(forKey: number) }
    }

    func lookUp(_ name: String, then: @escaping @Sendable (Resolution, Set<IPAddress>) -> Void) {
        let resolve = resolve
        Task { [lookUps] in
            let (resolution, own) = await lookUps.run { (resolve(name), Resolver.ownAddresses()) }
            then(resolution, own)
        }
    }

    /// False when the workspace has used up its bytes.
    func charge(_ count: Int) -> Bool {
        state.withLock { state in
            state.totalBytes += count
            return limits.totalBytes.map { state.totalBytes <= $0 } ?? true
        }
    }

    var connectionCount: Int { state.withLock { $0.connections.count } }

    // MARK: Time limits

    /// As long as there is anything that could come to its time limit.
    private func startSweeping(_ state: inout State) {
        guard !state.isSweeping else { return }
        state.isSweeping = true
        let pause = max(.milliseconds(20), min(limits.idle / 4, .seconds(1)))
        Task { [weak self] in
            repeat { try? await Task.sleep(for: pause) } while self?.sweep() ?? false
        }
    }

    private func sweep() -> Bool {
        let connections = state.withLock { state in
            if state.listener.descriptor >= 0 { state.listener.watch(EPOLLIN.rawValue, reactor, self) }
            state.isSweeping = !state.connections.isEmpty
            return Array(state.connections.values)
        }
        let now = ContinuousClock.now
        for connection in connections { connection.expire(now) }
        return !connections.isEmpty
    }
}
