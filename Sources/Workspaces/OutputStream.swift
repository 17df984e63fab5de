import Glibc
import Synchronization
import WorkspaceShim

/// Reads one output pipe of a command, always and at once, so that the command never waits for a reader. It goes on for as long
/// as anything holds the other end, also after the command has ended.
final class OutputStream: ReactorHandler {
    private let reactor: Reactor
    private let state: Mutex<State>

    private struct State {
        var descriptor: Int32
        var token: Reactor.Token?
        var buffer: OutputBuffer
    }

    /// Bytes that are taken at a turn, so that one loud command does not starve the others.
    private static let chunk = 64 << 10

    init(_ descriptor: Int32, _ reactor: Reactor, limit: Int) {
        self.reactor = reactor
        state = Mutex(State(descriptor: descriptor, buffer: OutputBuffer(limit: limit)))
    }

    func start() {
        state.withLock { $0.token = reactor.add($0.descriptor, self) }
    }

    /// False once every writer is gone.
    var isOpen: Bool { state.withLock { $0.descriptor >= 0 } }
    var totalBytes: Int { state.withLock { $0.buffer.totalBytes } }
    var output: CapturedOutput { state.withLock { $0.buffer.output } }

    func ready(_ events: UInt32) {
        state.withLock { _ = readOnce(&$0, Self.chunk) }
    }

    /// Takes what is in the pipe now: all that a command that has ended can have written. What a child that it left behind writes
    /// meanwhile stays for later.
    func drain() {
        state.withLock { state in
            var waiting = Int(ise_bytes_waiting(state.descriptor))
            while waiting > 0, state.descriptor >= 0 {
                let count = readOnce(&state, min(waiting, Self.chunk))
                guard count > 0 else { return }
                waiting -= count
            }
            // An end of file shows itself only to a read, and saves the reactor a turn.
            if state.descriptor >= 0 { _ = readOnce(&state, Self.chunk, onlyEnd: true) }
        }
    }

    func close() {
        state.withLock { end(&$0) }
    }

    private func end(_ state: inout State) {
        guard state.descriptor >= 0 else { return }
        if let token = state.token { reactor.remove(state.descriptor, token) }
        Glibc.close(state.descriptor)
        state.descriptor = -1
    }

    private func readOnce(_ state: inout State, _ limit: Int, onlyEnd: Bool = false) -> Int {
        guard state.descriptor >= 0 else { return 0 }
        if onlyEnd, ise_bytes_waiting(state.descriptor) > 0 { return 0 }
        return withUnsafeTemporaryAllocation(byteCount: limit, alignment: 16) { space in
            let count = read(state.descriptor, space.baseAddress, limit)
            if count > 0 {
                state.buffer.append(UnsafeRawBufferPointer(rebasing: space[..<count]))
            } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
                end(&state)
            }
            return count
        }
    }
}

/// Feeds a command's standard input without waiting for it, and closes it at the end or when nobody reads any more.
final class InputStream: ReactorHandler {
    private let reactor: Reactor
    private let state: Mutex<State>

    private struct State {
        var descriptor: Int32
        var token: Reactor.Token?
        var rest: ArraySlice<UInt8>
    }

    init(_ descriptor: Int32, _ reactor: Reactor, _ bytes: [UInt8]) {
        self.reactor = reactor
        state = Mutex(State(descriptor: descriptor, rest: bytes[...]))
    }

    func start() {
        state.withLock { state in
            feed(&state)
            if state.descriptor >= 0 {
                state.token = reactor.add(state.descriptor, events: EPOLLOUT.rawValue, self)
            }
        }
    }

    func ready(_ events: UInt32) {
        state.withLock { feed(&$0) }
    }

    func close() {
        state.withLock { end(&$0) }
    }

    private func feed(_ state: inout State) {
        while state.descriptor >= 0, !state.rest.isEmpty {
            let written = state.rest.withUnsafeBytes { write(state.descriptor, $0.baseAddress, $0.count) }
            guard written > 0 else {
                if errno == EAGAIN { return }
                break  // EPIPE: the command does not want it
            }
            state.rest = state.rest.dropFirst(written)
        }
        end(&state)
    }

    private func end(_ state: inout State) {
        guard state.descriptor >= 0 else { return }
        if let token = state.token { reactor.remove(state.descriptor, token) }
        Glibc.close(state.descriptor)
        state.descriptor = -1
    }
}
