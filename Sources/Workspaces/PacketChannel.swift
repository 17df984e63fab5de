import Glibc
import Synchronization
import WorkspaceShim

/// One end of a packet socket, served by the reactor. Packets that the other side has no room for yet wait in a queue.
final class PacketChannel: ReactorHandler {
    private let reactor: Reactor
    private let state: Mutex<State>
    private let receive: @Sendable (IncomingMessage?) -> Void

    private struct State {
        var socket: Int32
        var token: Reactor.Token?
        var queue: [OutgoingMessage] = []
    }

    /// `receive` is called on the reactor's thread for each message, and with nil once, when the peer is gone.
    init(_ socket: Int32, _ reactor: Reactor, receive: @escaping @Sendable (IncomingMessage?) -> Void) {
        self.reactor = reactor
        self.receive = receive
        state = Mutex(State(socket: socket))
    }

    func start() {
        state.withLock { $0.token = reactor.add($0.socket, self) }
    }

    /// The message's descriptors stay the caller's, who may close them when this returns.
    func send(_ message: OutgoingMessage) throws(WorkspaceError) {
        let error: Int32 = state.withLock { state in
            guard state.socket >= 0 else { return EPIPE }
            if !state.queue.isEmpty { return enqueue(message, &state) }
            let error = Self.transmit(message, to: state.socket)
            return error == EAGAIN ? enqueue(message, &state) : error
        }
        switch error {
        case 0: return
        case EPIPE, ECONNRESET: throw WorkspaceError(.closed, "the workspace is closed", errno: error)
        default: throw .failed(stage: "send a request to the workspace", errno: error)
        }
    }

    func close() {
        let (socket, queue) = state.withLock { state in
            defer { state.socket = -1 }
            if let token = state.token, state.socket >= 0 { reactor.remove(state.socket, token) }
            let queue = state.queue
            state.queue = []
            return (state.socket, queue)
        }
        for descriptor in queue.flatMap(\.descriptors) { Glibc.close(descriptor) }
        if socket >= 0 { Glibc.close(socket) }
    }

    /// Keeps copies of the descriptors: the caller closes its own.
    private func enqueue(_ message: OutgoingMessage, _ state: inout State) -> Int32 {
        var kept = message
        kept.descriptors = message.descriptors.map { fcntl($0, F_DUPFD_CLOEXEC, 4) }
        state.queue.append(kept)
        if let token = state.token {
            reactor.change(state.socket, token, events: EPOLLIN.rawValue | EPOLLOUT.rawValue)
        }
        return 0
    }

    private static func transmit(_ message: OutgoingMessage, to socket: Int32) -> Int32 {
        message.bytes.withUnsafeBytes { bytes in
            ise_send(socket, bytes.baseAddress, bytes.count, message.descriptors, Int32(message.descriptors.count))
        }
    }

    func ready(_ events: UInt32) {
        if events & EPOLLOUT.rawValue != 0 { flush() }
        if events & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { receiveAll() }
    }

    private func flush() {
        state.withLock { state in
            while let message = state.queue.first {
                guard Self.transmit(message, to: state.socket) != EAGAIN else { return }
                for descriptor in message.descriptors { Glibc.close(descriptor) }
                state.queue.removeFirst()
            }
            if let token = state.token, state.socket >= 0 {
                reactor.change(state.socket, token, events: EPOLLIN.rawValue)
            }
        }
    }

    private func receiveAll() {
        while true {
            let socket = state.withLock { $0.socket }
            guard socket >= 0 else { return }
            var descriptors = [Int32](repeating: -1, count: Int(ISE_MAX_FDS))
            var descriptorCount: Int32 = 0
            var length = 0
            let packet = [UInt8](unsafeUninitializedCapacity: Int(ISE_MAX_PACKET)) { buffer, count in
                length = ise_receive(socket, buffer.baseAddress, buffer.count, &descriptors, &descriptorCount)
                count = max(0, length)
            }
            if length == -Int(EAGAIN) { return }
            guard length > 0,
                let message = IncomingMessage(packet: packet, descriptors: Array(descriptors[..<Int(descriptorCount)]))
            else {
                close()
                receive(nil)
                return
            }
            receive(message)
        }
    }
}
