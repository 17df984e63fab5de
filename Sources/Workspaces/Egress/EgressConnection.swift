import Glibc
import Synchronization
import WorkspaceShim

/// One connection of a workspace to its proxy: a request, the decision about it, and then the bytes in both directions.
final class EgressConnection: Sendable {
    let number: Int
    let proxy: EgressProxy
    private let rules: EgressRules
    private let state: Mutex<State>

    enum Phase {
        /// Its request is being read.
        case head
        /// The name is being looked up.
        case deciding
        case connecting
        case relaying
        /// The proxy's own answer is being written.
        case answering
        /// All is written. What the client still sends is thrown away: closing before it was read would take the answer
        /// from it.
        case lingering
        case closed
    }

    struct State {
        var phase = Phase.head
        var client: WatchedSocket
        var server = WatchedSocket()
        var reader: HTTPHeadReader
        var request: EgressRequest?
        /// Its place in the log.
        var attempt: Int?
        /// Came behind the head, before there was a server.
        var early: [UInt8] = []
        /// Still to be tried.
        var candidates: [IPAddress] = []
        var gate = EgressGate.shut(noted: false)
        /// From the client to the server, and back.
        var up = EgressFlow()
        var down = EgressFlow()
        var active = ContinuousClock.now
    }

    /// Owns the descriptor.
    init(_ client: Int32, _ number: Int, _ rules: EgressRules, _ proxy: EgressProxy) {
        self.number = number
        self.rules = rules
        self.proxy = proxy
        state = Mutex(State(client: WatchedSocket(client), reader: HTTPHeadReader(limit: proxy.limits.headBytes)))
    }

    /// Told of one of its two sockets.
    private final class Side: ReactorHandler {
        private let connection: EgressConnection
        private let isServer: Bool

        init(_ connection: EgressConnection, isServer: Bool) {
            self.connection = connection
            self.isServer = isServer
        }

        func ready(_ events: UInt32) {
            connection.change { state in
                if isServer { connection.serverReady(events, &state) } else { connection.clientReady(events, &state) }
            }
        }
    }

    /// Every change of the state goes through here: afterwards the reactor watches what the new state waits for.
    private func change(_ body: (inout State) -> Void) {
        state.withLock { state in
            guard state.phase != .closed else { return }
            body(&state)
            watch(&state)
        }
    }

    private func watch(_ state: inout State) {
        let (input, output) = (EPOLLIN.rawValue, EPOLLOUT.rawValue)
        var client: UInt32 = 0
        var server: UInt32 = 0
        switch state.phase {
        case .head, .lingering: client = input
        case .answering: client = output
        case .connecting: server = output
        case .relaying:
            client = (state.up.takesMore ? input : 0) | (state.down.pending.isEmpty ? 0 : output)
            server = (state.down.takesMore ? input : 0) | (state.up.pending.isEmpty ? 0 : output)
        case .deciding, .closed: break
        }
        state.client.watch(client, proxy.reactor, Side(self, isServer: false))
        state.server.watch(server, proxy.reactor, Side(self, isServer: true))
    }

    func start() { change { _ in } }

    private func clientReady(_ events: UInt32, _ state: inout State) {
        switch state.phase {
        case .head: readHead(&state)
        case .relaying:
            if state.up.takesMore, events & ~EPOLLOUT.rawValue != 0 { readClient(&state) }
            if state.phase == .relaying, !state.down.pending.isEmpty { writeClient(&state) }
        case .answering: writeAnswer(&state)
        case .lingering:
            switch SocketIO.receive(from: state.client.descriptor) {
            case .bytes, .nothingYet: break
            case .end, .failed: end(&state)
            }
        case .deciding, .connecting, .closed: break
        }
    }

    private func serverReady(_ events: UInt32, _ state: inout State) {
        switch state.phase {
        case .connecting: finishConnecting(&state)
        case .relaying:
            if state.down.takesMore, events & ~EPOLLOUT.rawValue != 0 { readServer(&state) }
            if state.phase == .relaying, !state.up.pending.isEmpty { writeServer(&state) }
        default: break
        }
    }

    // MARK: The request

    /// Reads what is there of the request.
    func settle() {
        change { state in
            var count = -1
            while state.phase == .head, count != state.reader.bytes.count {
                count = state.reader.bytes.count
                readHead(&state)
            }
        }
    }

    private func readHead(_ state: inout State) {
        switch SocketIO.receive(from: state.client.descriptor, limit: 16 << 10) {
        case .nothingYet: break
        case .end, .failed: end(&state, "the client hung up before its request was complete")
        case .bytes(let bytes):
            do throws(BadRequest) {
                guard let (head, rest) = try state.reader.append(bytes) else { return }
                state.early = Array(rest)
                decide(try EgressRequest(head), &state)
            } catch {
                let line = state.reader.excerpt
                _ = proxy.log.begin { attempt in
                    attempt.method = String(line.prefix { $0 != " " }.prefix(20))
                    attempt.verdict = .refused
                    attempt.reason = "\(error.reason), in the request \"\(line)\""
                }
                answer(.bad(error), &state)
            }
        }
    }

    private func decide(_ request: EgressRequest, _ state: inout State) {
        let target = request.target
        state.request = request
        state.attempt = proxy.log.begin { attempt in
            attempt.method = request.method
            attempt.host = "\(target.host)"
            attempt.port = Int(target.port)
        }
        guard state.attempt != nil else {
            let text = "The log of this workspace's attempts is full: nothing gets out any more"
            return answer(EgressRefusal(status: 503, phrase: "Log Full", text: text), &state)
        }
        guard let rule = rules.rule(for: target) else {
            let refusing = rules.refusing(target)
            return refuse(.noRule(request.method, target, refusing), "no rule of \(refusing) allows \(target)", &state)
        }
        note(state) { $0.reason = "rule \(rule)" }
        state.active = .now
        switch target.host {
        case .address(let address):
            state.candidates = [address]
            connect(&state)
        case .name(let name):
            state.phase = .deciding
            proxy.lookUp(name) { [self] resolution, own in
                change { state in if state.phase == .deciding { resolved(resolution, own, &state) } }
            }
        }
    }

    private func resolved(_ resolution: Resolution, _ own: Set<IPAddress>, _ state: inout State) {
        guard let request = state.request else { return }
        let (permitted, refusals) = rules.permitted(resolution.addresses, of: request.target, own: own)
        guard permitted.isEmpty else {
            state.candidates = permitted
            return connect(&state)
        }
        if refusals.isEmpty {
            fail("could not look up \(request.target.host): \(resolution.failure)", "Name Not Found", &state)
        } else {
            let reason = "\(request.target.host) resolves to \(refusals.joined(separator: "; "))"
            refuse(.badAddresses(request.method, request.target, refusals), reason, &state)
        }
    }

    // MARK: The server

    /// Tries the next address.
    private func connect(_ state: inout State, after error: Int32 = 0) {
        guard let request = state.request else { return }
        var error = error
        state.server.close(proxy.reactor)
        while !state.candidates.isEmpty {
            let address = state.candidates.removeFirst()
            let descriptor = SocketIO.connect(to: address, port: request.target.port)
            note(state) { $0.address = "\(address)" }
            if descriptor >= 0 {
                state.server = WatchedSocket(descriptor)
                state.phase = .connecting
                state.active = .now
                return
            }
            error = -descriptor
        }
        fail("could not connect to \(request.target): \(WorkspaceError.reason(error))", "No Connection", &state)
    }

    private func finishConnecting(_ state: inout State) {
        let error = SocketIO.connectError(state.server.descriptor)
        guard error == 0, let request = state.request else { return connect(&state, after: error) }
        note(state) { $0.verdict = .allowed }
        state.phase = .relaying
        state.active = .now
        beginRelaying(request, &state)
    }

    // MARK: Ends

    func note(_ state: State, _ body: (inout EgressAttempt) -> Void) {
        if let attempt = state.attempt { proxy.log.update(attempt, body) }
    }

    func refuse(_ refusal: EgressRefusal, _ reason: String, _ state: inout State) {
        note(state) { ($0.verdict, $0.reason) = (.refused, reason) }
        answer(refusal, &state)
    }

    private func fail(_ reason: String, _ phrase: String, _ state: inout State) {
        note(state) { ($0.verdict, $0.reason) = (.failed, reason) }
        answer(EgressRefusal(status: 502, phrase: phrase, text: "The workspace's proxy \(reason)"), &state)
    }

    private func answer(_ refusal: EgressRefusal, _ state: inout State) { answer(refusal.bytes, &state) }

    /// The proxy's last word to the client.
    func answer(_ bytes: [UInt8], _ state: inout State) {
        state.server.close(proxy.reactor)
        state.down.pending = bytes[...]
        state.phase = .answering
        state.active = .now
        writeAnswer(&state)
    }

    private func writeAnswer(_ state: inout State) {
        let sent = SocketIO.send(state.down.pending, to: state.client.descriptor)
        guard sent >= 0 else { return end(&state) }
        state.down.pending = state.down.pending.dropFirst(sent)
        if state.down.pending.isEmpty { linger(&state) }
    }

    func linger(_ state: inout State) {
        state.server.close(proxy.reactor)
        shutdown(state.client.descriptor, Int32(SHUT_WR))
        state.phase = .lingering
        state.active = .now
    }

    /// - Parameter reason: why it ends before its time; nil: it was at its end.
    func end(_ state: inout State, _ reason: String? = nil) {
        if let reason {
            switch state.phase {
            case .head: _ = proxy.log.begin { ($0.verdict, $0.reason) = (.refused, reason) }
            case .deciding, .connecting: note(state) { ($0.verdict, $0.reason) = (.failed, reason) }
            case .relaying: note(state) { $0.reason += "; cut off: \(reason)" }
            case .answering, .lingering, .closed: break
            }
        }
        state.client.close(proxy.reactor)
        state.server.close(proxy.reactor)
        state.phase = .closed
        proxy.remove(number)
    }

    func close(_ reason: String) { change { end(&$0, reason) } }

    private static let lingering: Duration = .seconds(2)

    func expire(_ now: ContinuousClock.Instant) {
        change { state in
            let quiet = now - state.active
            let limits = proxy.limits
            switch state.phase {
            case .connecting: if quiet > limits.connect { connect(&state, after: ETIMEDOUT) }
            case .head: if quiet > limits.idle { end(&state, "no request came within \(limits.idle)") }
            case .deciding: if quiet > limits.idle { end(&state, "the name's lookup took longer than \(limits.idle)") }
            case .relaying: if quiet > limits.idle { end(&state, "nothing went over it for \(limits.idle)") }
            case .answering, .lingering: if quiet > min(limits.idle, Self.lingering) { end(&state) }
            case .closed: break
            }
        }
    }
}
