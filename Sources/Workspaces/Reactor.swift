import Glibc
import Synchronization
import WorkspaceShim

/// Told, on the reactor's thread, that its descriptor is ready. Must not wait.
protocol ReactorHandler: AnyObject, Sendable {
    func ready(_ events: UInt32)
}

/// One thread that waits on all descriptors of all workspaces (epoll(7), level-triggered), so that no child, however many there
/// are, holds a thread of the cooperative pool.
final class Reactor: Sendable {
    private let epoll: Int32
    private let wakeUp: Int32
    private let state = Mutex(State())

    private struct State {
        var handlers: [UInt64: any ReactorHandler] = [:]
        var nextToken: UInt64 = 1
        var stopped = false
    }

    /// Stands for one registration. Descriptor numbers are used again, tokens never: a late event finds no handler.
    struct Token: Hashable, Sendable { let value: UInt64 }

    init() throws(WorkspaceError) {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wakeUp = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard epoll >= 0, wakeUp >= 0 else { throw .failed(stage: "make the event loop", errno: errno) }
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: 0))
        epoll_ctl(epoll, EPOLL_CTL_ADD, wakeUp, &event)
        try startThread()
    }

    func add(_ descriptor: Int32, events: UInt32 = EPOLLIN.rawValue, _ handler: any ReactorHandler) -> Token {
        let token = state.withLock { state in
            defer { state.nextToken += 1 }
            state.handlers[state.nextToken] = handler
            return Token(value: state.nextToken)
        }
        var event = epoll_event(events: events, data: epoll_data_t(u64: token.value))
        epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
        return token
    }

    func change(_ descriptor: Int32, _ token: Token, events: UInt32) {
        var event = epoll_event(events: events, data: epoll_data_t(u64: token.value))
        epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event)
    }

    /// The caller closes the descriptor afterwards.
    func remove(_ descriptor: Int32, _ token: Token) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nil)
        _ = state.withLock { $0.handlers.removeValue(forKey: token.value) }
    }

    /// Ends the thread. Registered descriptors are not closed.
    func stop() {
        state.withLock { state in
            state.stopped = true
            state.handlers = [:]
        }
        var one: UInt64 = 1
        _ = write(wakeUp, &one, 8)
    }

    private func startThread() throws(WorkspaceError) {
        var thread = pthread_t()
        let error = pthread_create(&thread, nil, reactorThread, Unmanaged.passRetained(self).toOpaque())
        guard error == 0 else { throw .failed(stage: "start the event loop's thread", errno: error) }
        pthread_detach(thread)
    }

    fileprivate func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 256)
        while !state.withLock({ $0.stopped }) {
            let count = epoll_wait(epoll, &events, Int32(events.count), -1)
            guard count > 0 else { continue }
            for event in events[..<Int(count)] where event.data.u64 != 0 {
                let handler = state.withLock { $0.handlers[event.data.u64] }
                handler?.ready(event.events)
            }
        }
        close(epoll)
        close(wakeUp)
    }
}

private func reactorThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<Reactor>.fromOpaque(context).takeRetainedValue().run()
    return nil
}
