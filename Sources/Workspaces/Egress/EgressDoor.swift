import Glibc
import Synchronization
import WorkspaceShim

/// A socket that listens inside the workspace, and the rules for whoever comes in by it.
final class EgressDoor: ReactorHandler {
    /// Nil: the one that all commands know.
    let port: UInt16?
    private let rules: EgressRules
    private let reactor: Reactor
    private weak let proxy: EgressProxy?
    private let socket: Mutex<WatchedSocket>

    /// Owns the descriptor.
    init(_ listener: Int32, _ rules: EgressRules, _ proxy: EgressProxy, port: UInt16? = nil) {
        self.port = port
        self.rules = rules
        self.proxy = proxy
        reactor = proxy.reactor
        socket = Mutex(WatchedSocket(listener))
    }

    func watch() {
        socket.withLock { if $0.descriptor >= 0 { $0.watch(EPOLLIN.rawValue, reactor, self) } }
    }

    func close() { socket.withLock { $0.close(reactor) } }

    func ready(_ events: UInt32) { acceptSome() }

    private static let acceptedAtATurn = 64

    func acceptSome() {
        for _ in 0..<Self.acceptedAtATurn {
            guard let client = accept() else { return }
            if let proxy { proxy.serve(client, rules) } else { Glibc.close(client) }
        }
    }

    private func accept() -> Int32? {
        let (client, isStuck) = socket.withLock { socket -> (Int32, Bool) in
            guard socket.descriptor >= 0 else { return (-1, false) }
            let client = ise_accept(socket.descriptor)
            // No descriptor or no memory is left: the event would come again at once.
            let isStuck = client < 0 && ![EAGAIN, EINTR, ECONNABORTED].contains(-client)
            if isStuck { socket.watch(0, reactor, self) }
            return (client, isStuck)
        }
        if isStuck { proxy?.lookAgain() }
        return client < 0 ? nil : client
    }
}
