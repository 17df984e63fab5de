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
        /// What the kernel did not take: a user has only so many watches (epoll(7), max_user_watches), and a workspace of the same
        /// user may use them up. These are looked at again and again.
        var unwatched: [UInt64: pollfd] = [:]
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
        if epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0 {
            state.withLock { $0.unwatched[token.value] = Self.entry(descriptor, events) }
            wake()
        }
        return token
    }

    /// EPOLLIN and the like have the same values for poll(2).
    private static func entry(_ descriptor: Int32, _ events: UInt32) -> pollfd {
        pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: events & ~EPOLLONESHOT.rawValue), revents: 0)
    }

    func change(_ descriptor: Int32, _ token: Token, events: UInt32) {
        let isWatched = state.withLock { state in
            guard state.unwatched[token.value] != nil else { return true }
            state.unwatched[token.value] = Self.entry(descriptor, events)
            return false
        }
        guard isWatched else { return }
        var event = epoll_event(events: events, data: epoll_data_t(u64: token.value))
        epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event)
    }

    /// The caller closes the descriptor afterwards.
    func remove(_ descriptor: Int32, _ token: Token) {
        let isWatched = state.withLock { state in
            state.handlers[token.value] = nil
            return state.unwatched.removeValue(forKey: token.value) == nil
        }
        if isWatched { epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nil) }
    }

    /// Ends the thread. Registered descriptors are not closed.
    func stop() {
        state.withLock { state in
            state.stopped = true
            state.handlers = [:]
            state.unwatched = [:]
        }
        wake()
    }

    private func wake() {
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
            let pause: Int32 = state.withLock { $0.unwatched.isEmpty } ? -1 : 10
            let count = epoll_wait(epoll, &events, Int32(events.count), pause)
            for event in events[..<Int(max(0, count))] {
                if event.data.u64 == 0 {
                    var woken: UInt64 = 0
                    _ = read(wakeUp, &woken, 8)
                    continue
                }
                let handler = state.withLock { $0.handlers[event.data.u64] }
                handler?.ready(event.events)
            }
            if pause >= 0 { lookAtUnwatched() }
        }
        close(epoll)
        close(wakeUp)
    }
}

extension Reactor {
    /// One that is to be told once asks for nothing more until its handler asks again.
    private func lookAtUnwatched() {
        let entries = state.withLock { $0.unwatched }
        var descriptors = entries.values.filter { $0.events != 0 }
        guard poll(&descriptors, nfds_t(descriptors.count), 0) > 0 else { return }
        for ready in descriptors where ready.revents != 0 {
            for (token, entry) in entries where entry.fd == ready.fd {
                let handler = state.withLock { $0.unwatched[token] == nil ? nil : $0.handlers[token] }
                handler?.ready(UInt32(UInt16(bitPattern: ready.revents)))
            }
        }
    }
}

private func reactorThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<Reactor>.fromOpaque(context).takeRetainedValue().run()
    return nil
}
