import Basics
import Glibc
import Synchronization

/// Messages from a descriptor, one a line.
public actor MessageInput {
    /// Bytes of one message: a file of some megabytes as an argument fits.
    public static let longestMessage = 16 << 20

    private let descriptor: CInt
    private nonisolated let wake: WakePipe
    private var splitter: LineSplitter
    private var ready: [LineSplitter.Line] = []
    private var hasEnded = false

    public init(descriptor: CInt, longestMessage: Int = MessageInput.longestMessage) {
        self.descriptor = descriptor
        wake = WakePipe()
        splitter = LineSplitter(limit: longestMessage)
    }

    /// Nil at the end of the input, and after `stop`. What stands after the last line break counts as a message.
    func next() async -> LineSplitter.Line? {
        while ready.isEmpty, !hasEnded {
            let (descriptor, wake) = (descriptor, wake)
            let chunk = await blocking { readChunk(descriptor, unless: wake.reading) }
            if let chunk, !chunk.isEmpty {
                ready = splitter.feed(chunk).reversed()
            } else {
                hasEnded = true
                if chunk != nil, let last = splitter.finish() { ready = [last] }
            }
        }
        return ready.popLast()
    }

    /// Ends the input, also for who waits for it.
    public nonisolated func stop() { wake.signal() }
}

/// Sends messages to a descriptor, one a line, each whole.
public final class MessageOutput: Sendable {
    private let descriptor: CInt
    private let senders = CallerQueue()
    private let wake = WakePipe()
    private let broken = Atomic(false)

    public init(descriptor: CInt) { self.descriptor = descriptor }

    /// Whether nobody reads any more.
    public var isBroken: Bool { broken.load(ordering: .relaxed) }

    /// Returns when the reader's pipe has taken all of it; false when nobody reads any more, or after `stop`.
    @discardableResult
    func send(_ bytes: [UInt8]) async -> Bool {
        await senders.enter()
        defer { senders.leave() }
        let isWritten = await blocking { [self] in !isBroken && write(bytes + [0x0A]) }
        if !isWritten { broken.store(true, ordering: .relaxed) }
        return isWritten
    }

    /// Gives up what is being written.
    public func stop() { wake.signal() }

    private func write(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard waits(for: descriptor, POLLOUT, unless: wake.reading) else { return false }
            // A pipe that takes anything takes this much without waiting.
            let count = rest.prefix(Int(PIPE_BUF)).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR, errno != EAGAIN {
                return false
            }
        }
        return true
    }
}

/// Ends a wait in poll(2).
private final class WakePipe: Sendable {
    let reading: CInt
    private let writing: CInt

    init() {
        var ends: [CInt] = [-1, -1]
        _ = pipe(&ends)
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (reading, writing) = (ends[0], ends[1])
    }

    deinit {
        close(reading)
        close(writing)
    }

    func signal() { _ = write(writing, [1], 1) }
}

/// Until the descriptor is ready; false when `stop` was first.
private func waits(for descriptor: CInt, _ events: CInt, unless stop: CInt) -> Bool {
    var entries = [
        pollfd(fd: stop, events: Int16(POLLIN), revents: 0), pollfd(fd: descriptor, events: Int16(events), revents: 0),
    ]
    while poll(&entries, 2, -1) < 0 {
        if errno != EINTR { return false }
    }
    return entries[0].revents == 0
}

/// Empty at the end; nil when it cannot be read, or `stop` was first.
private func readChunk(_ descriptor: CInt, unless stop: CInt) -> [UInt8]? {
    while waits(for: descriptor, POLLIN, unless: stop) {
        var got = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, count in
            got = read(descriptor, buffer.baseAddress, buffer.count)
            count = max(0, got)
        }
        if got >= 0 { return chunk }
        if errno != EINTR, errno != EAGAIN { return nil }
    }
    return nil
}
