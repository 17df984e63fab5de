import Glibc
import Synchronization
import WorkspaceShim

/// Reads one output of a command, always and at once, so that the command never waits for a reader. It goes on for as long as
/// anything holds the other end, also after the command has ended.
final class OutputStream: ReactorHandler {
    private let reactor: Reactor
    private let state: Mutex<State>

    private struct State {
        var descriptor: Int32 = -1
        var token: Reactor.Token?
        var buffer: OutputBuffer
    }

    /// Bytes that are taken at a turn, so that one loud command does not starve the others.
    private static let chunk = 64 << 10

    init(_ reactor: Reactor, limit: Int) {
        self.reactor = reactor
        state = Mutex(State(buffer: OutputBuffer(limit: limit)))
    }

    /// Owns the descriptor from now on.
    func attach(_ descriptor: Int32) {
        state.withLock { state in
            state.descriptor = descriptor
            state.token = reactor.add(descriptor, self)
        }
    }

    /// False once every writer is gone.
    var isOpen: Bool { state.withLock { $0.descriptor >= 0 } }
    var totalBytes: Int { state.withLock { $0.buffer.totalBytes } }
    var output: CapturedOutput { state.withLock { $0.buffer.output } }

    func ready(_ events: UInt32) {
        state.withLock { _ = readOnce(&$0, Self.chunk) }
    }

    /// Takes what is there now: all that a command that has ended can have written. What a child that it left behind writes
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
            if state.descriptor >= 0, ise_bytes_waiting(state.descriptor) == 0 { _ = readOnce(&state, Self.chunk) }
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

    private func readOnce(_ state: inout State, _ limit: Int) -> Int {
        guard state.descriptor >= 0 else { return 0 }
        return withUnsafeTemporaryAllocation(byteCount: limit, alignment: 16) { space in
            let count = read(state.descriptor, space.baseAddress, limit)
            if count > 0 {
                state.buffer.append(UnsafeRawBufferPointer(rebasing: space[..<count]))
            } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
                end(&state)  // a terminal whose last user is gone answers EIO
            }
            return count
        }
    }
}
