import Glibc
import WorkspaceShim

/// Bytes on their way in one direction. More are read only once these are gone, so a slow reader slows the writer.
struct EgressFlow {
    var pending: ArraySlice<UInt8> = []
    /// Its source has ended.
    var isEnded = false
    /// Its end was passed on.
    var isShut = false

    var takesMore: Bool { pending.isEmpty && !isEnded }
}

/// What of a client's bytes may pass to the server.
enum EgressGate {
    /// All.
    case open
    /// None yet: a TLS client has to name the server that its tunnel was opened to.
    case hello(ServerNameReader)
    /// The rest of one request.
    case body(RequestBody)
    /// The request is complete. Is it noted that more came?
    case shut(noted: Bool)
}

extension EgressConnection {
    func beginRelaying(_ request: EgressRequest, _ state: inout State) {
        if request.isTunnel {
            state.down.pending = Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8)[...]
            // A rule that names an address means the machine, whatever names it has.
            if case .name = request.target.host { state.gate = .hello(ServerNameReader()) } else { state.gate = .open }
            writeClient(&state)
        } else {
            state.gate = request.body.isFinished ? .shut(noted: false) : .body(request.body)
            guard forward(request.head[...], &state) else { return }
        }
        let early = state.early
        state.early = []
        if !early.isEmpty, state.phase == .relaying { admit(early[...], &state) }
    }

    // MARK: From the client to the server

    func readClient(_ state: inout State) {
        switch SocketIO.receive(from: state.client.descriptor) {
        case .bytes(let bytes): admit(bytes[...], &state)
        case .nothingYet: break
        case .end:
            state.up.isEnded = true
            if case .body = state.gate { return end(&state, "the client hung up within its request") }
            writeServer(&state)
        case .failed(let error): end(&state, "the client's side failed: \(WorkspaceError.reason(error))")
        }
    }

    private func admit(_ bytes: ArraySlice<UInt8>, _ state: inout State) {
        switch state.gate {
        case .open: _ = forward(bytes, &state)
        case .hello(var reader):
            let outcome = reader.append(bytes)
            state.gate = .hello(reader)
            judge(outcome, reader, &state)
        case .body(var body):
            do throws(BadRequest) {
                let count = try body.take(bytes)
                state.gate = body.isFinished ? .shut(noted: false) : .body(body)
                guard forward(bytes.prefix(count), &state) else { return }
                if count < bytes.count { admit(bytes.dropFirst(count), &state) }
            } catch {
                // The server may have begun to answer: nothing can be said any more.
                end(&state, "the request's body is broken: \(error.reason)")
            }
        case .shut(let noted): drop(bytes, noted, &state)
        }
    }

    private func judge(_ outcome: ServerNameReader.Outcome, _ reader: ServerNameReader, _ state: inout State) {
        guard outcome != .more, let target = state.request?.target else { return }
        if let reason = outcome.refusal(in: target) { refuseHello(reason, &state) } else { open(reader, &state) }
    }

    private func open(_ reader: ServerNameReader, _ state: inout State) {
        state.gate = .open
        _ = forward(reader.bytes[...], &state)
    }

    /// With an alert that TLS clients show as "access denied".
    private func refuseHello(_ reason: String, _ state: inout State) {
        note(state) { ($0.verdict, $0.reason) = (.refused, reason) }
        answer(Array(state.down.pending) + [0x15, 3, 3, 0, 2, 2, 49], &state)
    }

    /// One request a connection: a second one would go to the server without having been looked at.
    private func drop(_ bytes: ArraySlice<UInt8>, _ noted: Bool, _ state: inout State) {
        guard !noted, bytes.contains(where: { $0 != 0x0d && $0 != 0x0a }), let request = state.request else { return }
        state.gate = .shut(noted: true)
        _ = proxy.log.begin { attempt in
            attempt.method = request.method
            attempt.host = "\(request.target.host)"
            attempt.port = Int(request.target.port)
            attempt.verdict = .refused
            attempt.reason = "bytes after the end of the request were dropped: it is one request a connection"
        }
    }

    /// False when the connection ended over it.
    private func forward(_ bytes: ArraySlice<UInt8>, _ state: inout State) -> Bool {
        guard count(bytes.count, &state, \.bytesOut) else { return false }
        state.up.pending += bytes
        writeServer(&state)
        return state.phase == .relaying
    }

    func writeServer(_ state: inout State) {
        let sent = SocketIO.send(state.up.pending, to: state.server.descriptor)
        if sent >= 0 {
            state.up.pending = state.up.pending.dropFirst(sent)
        } else {
            // It may have answered without reading all: the answer is still to be passed on.
            state.up.pending = []
            state.up.isEnded = true
        }
        guard state.up.pending.isEmpty, state.up.isEnded, !state.up.isShut, state.request?.isTunnel == true else {
            return
        }
        shutdown(state.server.descriptor, Int32(SHUT_WR))
        state.up.isShut = true
        if state.down.isShut { end(&state) }
    }

    // MARK: From the server to the client

    func readServer(_ state: inout State) {
        switch SocketIO.receive(from: state.server.descriptor) {
        case .bytes(let bytes):
            guard count(bytes.count, &state, \.bytesIn) else { return }
            state.down.pending = bytes[...]
            writeClient(&state)
        case .nothingYet: break
        case .end:
            state.down.isEnded = true
            writeClient(&state)
        case .failed(let error): end(&state, "the server's side failed: \(WorkspaceError.reason(error))")
        }
    }

    func writeClient(_ state: inout State) {
        if !state.down.pending.isEmpty {
            let sent = SocketIO.send(state.down.pending, to: state.client.descriptor)
            guard sent >= 0 else { return end(&state, "the client hung up") }
            state.down.pending = state.down.pending.dropFirst(sent)
        }
        guard state.down.pending.isEmpty, state.down.isEnded, !state.down.isShut else { return }
        guard state.request?.isTunnel == true else { return linger(&state) }
        shutdown(state.client.descriptor, Int32(SHUT_WR))
        state.down.isShut = true
        if state.up.isShut { end(&state) }
    }

    /// False when the workspace has no bytes left, over which the connection ended.
    private func count(_ bytes: Int, _ state: inout State, _ direction: WritableKeyPath<EgressAttempt, Int>) -> Bool {
        guard proxy.charge(bytes) else {
            end(&state, "the workspace has used up its \(proxy.limits.totalBytes ?? 0) bytes")
            return false
        }
        state.active = .now
        note(state) { $0[keyPath: direction] += bytes }
        return true
    }
}
