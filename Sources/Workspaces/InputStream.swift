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
        /// Who waits until all that is waiting is written.
        var senders: [CheckedContinuation<Bool, Never>] = []
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

    /// As `write`, but returns when the command's pipe has taken all of it.
    func send(_ bytes: [UInt8]) async -> Bool {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                guard !state.isFinished, !state.isBroken else { return continuation.resume(returning: false) }
                state.waiting += bytes
                state.senders.append(continuation)
                if state.token == nil { feed(&state) }
            }
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
        release(&state, true)
        if let token = state.token {
            reactor.remove(state.descriptor, token)
            state.token = nil
        }
        if state.isFinished { end(&state) }
    }

    private func release(_ state: inout State, _ isTaken: Bool) {
        for sender in state.senders { sender.resume(returning: isTaken) }
        state.senders = []
    }

    private func end(_ state: inout State) {
        release(&state, !state.isBroken)
        guard state.descriptor >= 0 else { return }
        if let token = state.token { reactor.remove(state.descriptor, token) }
        state.token = nil
        Glibc.close(state.descriptor)
        state.descriptor = -1
    }
}
