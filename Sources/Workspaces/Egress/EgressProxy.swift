import Basics
import Glibc
import Synchronization
import WorkspaceShim

/// The way out of one workspace with an allow-list: an HTTP proxy on the host's side of a socket that listens inside.
///
/// Whatever it gets from the workspace is hostile. It reads a request, compares its target with the rules, looks the
/// name up itself, checks each address, connects to one that it checked, and notes everything.
final class EgressProxy: Sendable {
    let rules: [EgressRule]
    let limits: EgressLimits
    let log: EgressLog
    let reactor: Reactor
    private let resolve: @Sendable (String) -> Resolution
    /// Few at once: a slow name server must not take the threads that others wait for.
    private let lookUps = CallerQueue(places: 4)
    private let state = Mutex(State())

    private struct State {
        /// By the rules that narrow them; the workspace's own has none.
        var doors: [[EgressRule]?: EgressDoor] = [:]
        var connections: [Int: EgressConnection] = [:]
        var nextConnection = 0
        var totalBytes = 0
        var isSweeping = false
    }

    init(
        rules: [EgressRule], limits: EgressLimits, reactor: Reactor,
        resolve: @escaping @Sendable (String) -> Resolution = Resolver.resolve
    ) {
        self.rules = rules
        self.limits = limits
        self.reactor = reactor
        self.resolve = resolve
        log = EgressLog(limit: limits.attempts)
    }

    // MARK: The listening sockets

    /// Owns the descriptor from now on; one before it is let go, and with it those of commands with rules of their own.
    func attach(_ listener: Int32) {
        detach()
        open(EgressDoor(listener, EgressRules(rules: rules), self), for: nil)
    }

    /// The port of another listener, for commands that may reach only what both these rules and the workspace's allow.
    func attach(_ listener: Int32, narrowedBy narrower: [EgressRule]) throws(WorkspaceError) -> UInt16 {
        guard let port = SocketIO.port(of: listener) else {
            Glibc.close(listener)
            throw .failed(stage: "find the port of the proxy", errno: EIO)
        }
        open(EgressDoor(listener, EgressRules([rules, narrower]), self, port: port), for: narrower)
        return self.port(of: narrower) ?? port
    }

    func port(of narrower: [EgressRule]) -> UInt16? { state.withLock { $0.doors[narrower]?.port } }

    /// The first one stays: a command may have been told of it.
    private func open(_ door: EgressDoor, for narrower: [EgressRule]?) {
        let isFirst = state.withLock { state in
            guard state.doors[narrower] == nil else { return false }
            state.doors[narrower] = door
            return true
        }
        if isFirst { door.watch() } else { door.close() }
    }

    /// Ends every connection. The log stays.
    func detach() {
        let (doors, connections) = state.withLock { state in
            defer { state.doors = [:] }
            return (Array(state.doors.values), Array(state.connections.values))
        }
        for door in doors { door.close() }
        for connection in connections { connection.close("the workspace was closed") }
    }

    /// Takes what waits already, on the reactor's thread: then all that a command that has ended tried is in the log.
    func settle() {
        for door in state.withLock({ Array($0.doors.values) }) {
            for _ in 0..<Self.turnsToSettle { door.acceptSome() }
        }
        for connection in state.withLock({ Array($0.connections.values) }) { connection.settle() }
    }

    /// As often as it takes for all that can wait to be accepted.
    private static let turnsToSettle = 3

    func serve(_ client: Int32, _ rules: EgressRules) {
        let connection: EgressConnection? = state.withLock { state in
            guard state.connections.count < limits.connections else { return nil }
            let number = state.nextConnection
            state.nextConnection += 1
            let connection = EgressConnection(client, number, rules, self)
            state.connections[number] = connection
            startSweeping(&state)
            return connection
        }
        if let connection { connection.start() } else { turnAway(client) }
    }

    /// A door that can accept nothing for now: the sweeper looks again.
    func lookAgain() { state.withLock { startSweeping(&$0) } }

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
            await lookUps.enter()
            let (resolution, own) = await blocking { (resolve(name), Resolver.ownAddresses()) }
            lookUps.leave()
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
        let (doors, connections) = state.withLock { state in
            state.isSweeping = !state.connections.isEmpty
            return (Array(state.doors.values), Array(state.connections.values))
        }
        for door in doors { door.watch() }
        let now = ContinuousClock.now
        for connection in connections { connection.expire(now) }
        return !connections.isEmpty
    }
}
