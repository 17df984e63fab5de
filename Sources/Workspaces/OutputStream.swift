import Glibc
import Synchronization
import WorkspaceShim

/// Reads one output of a command. It goes on for as long as anything holds the other end, also after the command has ended.
///
/// Always and at once, so that the command never waits for a reader; or, handed out, only when its reader asks.
final class OutputStream: ReactorHandler {
    private let reactor: Reactor
    private let state: Mutex<State>

    private struct State {
        var descriptor: Int32 = -1
        var token: Reactor.Token?
        var buffer: OutputBuffer
        /// Until the command has ended.
        var isHandedOut: Bool
        /// Read at the command's end, and not asked for yet: a pipe's content at most.
        var last: [[UInt8]] = []
        var reader: CheckedContinuation<[UInt8]?, Never>?
    }

    /// Bytes that are taken at a turn, so that one loud command does not starve the others.
    private static let chunk = 64 << 10

    init(_ reactor: Reactor, limit: Int, isHandedOut: Bool = false) {
        self.reactor = reactor
        state = Mutex(State(buffer: OutputBuffer(limit: limit), isHandedOut: isHandedOut))
    }

    /// Owns the descriptor from now on.
    func attach(_ descriptor: Int32) {
        state.withLock { state in
            state.descriptor = descriptor
            // One event, then none until the next is asked for: an end of file could not be silenced otherwise.
            let events = state.isHandedOut ? EPOLLONESHOT.rawValue : EPOLLIN.rawValue
            state.token = reactor.add(descriptor, events: events, self)
        }
    }

    /// False once every writer is gone.
    var isOpen: Bool { state.withLock { $0.descriptor >= 0 } }
    var totalBytes: Int { state.withLock { $0.buffer.totalBytes } }
    var output: CapturedOutput { state.withLock { $0.buffer.output } }

    /// Something is there that the reader has not asked for.
    var isHeldBack: Bool {
        state.withLock { $0.isHandedOut && $0.descriptor >= 0 && ise_bytes_waiting($0.descriptor) > 0 }
    }

    func ready(_ events: UInt32) {
        state.withLock { state in
            if state.isHandedOut { serveReader(&state) } else { _ = readOnce(&state, Self.chunk) }
        }
    }

    /// The next piece when it is handed out; nil at the end.
    func next() async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if !state.last.isEmpty { return continuation.resume(returning: state.last.removeFirst()) }
                guard state.isHandedOut else { return continuation.resume(returning: nil) }
                state.reader = continuation
                serveReader(&state)
            }
        }
    }

    /// The command has ended. Takes what is there now: all that it can have written. What a child that it left behind writes
    /// meanwhile stays for later.
    func drain() {
        state.withLock { state in
            var waiting = Int(ise_bytes_waiting(state.descriptor))
            while waiting > 0, state.descriptor >= 0 {
                let count = readOnce(&state, min(waiting, Self.chunk))
                guard count > 0 else { break }
                waiting -= count
            }
            // An end of file shows itself only to a read, and saves the reactor a turn.
            if state.descriptor >= 0, ise_bytes_waiting(state.descriptor) == 0 { _ = readOnce(&state, Self.chunk) }
            stopHandingOut(&state)
        }
    }

    func close() {
        state.withLock { state in
            state.last = []
            end(&state)
        }
    }

    private func end(_ state: inout State) {
        if state.descriptor >= 0 {
            if let token = state.token { reactor.remove(state.descriptor, token) }
            Glibc.close(state.descriptor)
            state.descriptor = -1
        }
        stopHandingOut(&state)
    }

    private func readOnce(_ state: inout State, _ limit: Int) -> Int {
        guard state.descriptor >= 0 else { return 0 }
        return withUnsafeTemporaryAllocation(byteCount: limit, alignment: 16) { space in
            let count = read(state.descriptor, space.baseAddress, limit)
            if count > 0 {
                let bytes = UnsafeRawBufferPointer(rebasing: space[..<count])
                state.buffer.append(bytes)
                if state.isHandedOut { give(Array(bytes), &state) }
            } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
                end(&state)  // a terminal whose last user is gone answers EIO
            }
            return count
        }
    }

    // MARK: Handing out

    private func give(_ bytes: [UInt8], _ state: inout State) {
        guard let reader = state.reader else { return state.last.append(bytes) }
        state.reader = nil
        reader.resume(returning: bytes)
    }

    /// Reads for the one who waits, or asks the reactor to say when there is something.
    private func serveReader(_ state: inout State) {
        guard state.reader != nil, readOnce(&state, Self.chunk) <= 0, state.descriptor >= 0, let token = state.token
        else {
            return
        }
        reactor.change(state.descriptor, token, events: EPOLLIN.rawValue | EPOLLONESHOT.rawValue)
    }

    private func stopHandingOut(_ state: inout State) {
        guard state.isHandedOut else { return }
        state.isHandedOut = false
        state.reader?.resume(returning: nil)
        state.reader = nil
        if state.descriptor >= 0, let token = state.token {
            reactor.change(state.descriptor, token, events: EPOLLIN.rawValue)
        }
    }
}
