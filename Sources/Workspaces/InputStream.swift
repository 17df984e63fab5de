import Glibc
import Synchronization
import WorkspaceShim

/// Feeds a command's standard input without waiting for it. Ends when it is finished and all is written, or when nobody reads.
final class InputStream: ReactorHandler {
    private let reactor: Reactor
    private let state = Mutex(State())

    private struct State {
        var descriptor: Int32 = -1
        var token: Reactor.Token?
        var waiting: ArraySlice<UInt8> = []
        var isFinished = false
        var isBroken = false
    }

    init(_ reactor: Reactor) {
        self.reactor = reactor
    }

    /// Owns the descriptor, which must not wait, from now on.
    func attach(_ descriptor: Int32) {
        state.withLock { state in
            state.descriptor = descriptor
            feed(&state)
        }
    }

    /// False when the command has closed its end.
    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        state.withLock { state in
            guard !state.isFinished, !state.isBroken else { return false }
            state.waiting += bytes
            if state.token == nil { feed(&state) }
            return !state.isBroken
        }
    }

    /// What is still waiting is written, then comes the end of file.
    func finish() {
        state.withLock { state in
            state.isFinished = true
            if state.token == nil { feed(&state) }
        }
    }

    func ready(_ events: UInt32) {
        state.withLock { feed(&$0) }
    }

    func close() {
        state.withLock { state in
            state.isBroken = true
            end(&state)
        }
    }

    private func feed(_ state: inout State) {
        guard state.descriptor >= 0 else { return }
        while !state.waiting.isEmpty {
            let written = state.waiting.withUnsafeBytes { Glibc.write(state.descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                state.waiting = state.waiting.dropFirst(written)
            } else if errno == EAGAIN {
                if state.token == nil { state.token = reactor.add(state.descriptor, events: EPOLLOUT.rawValue, self) }
                return
            } else {
                state.isBroken = true  // EPIPE: the command does not want it
                return end(&state)
            }
        }
        if let token = state.token {
            reactor.remove(state.descriptor, token)
            state.token = nil
        }
        if state.isFinished { end(&state) }
    }

    private func end(_ state: inout State) {
        guard state.descriptor >= 0 else { return }
        if let token = state.token { reactor.remove(state.descriptor, token) }
        state.token = nil
        Glibc.close(state.descriptor)
        state.descriptor = -1
    }
}
