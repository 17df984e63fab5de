import Glibc
import WorkspaceShim

/// A descriptor, and what the reactor is to report of it.
struct WatchedSocket {
    private(set) var descriptor: Int32 = -1
    private var token: Reactor.Token?
    private var events: UInt32 = 0

    init() {}
    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Without any events it is not registered at all: epoll would go on reporting a hang-up.
    mutating func watch(_ wanted: UInt32, _ reactor: Reactor, _ handler: @autoclosure () -> any ReactorHandler) {
        guard descriptor >= 0, wanted != events else { return }
        if let token {
            if wanted == 0 {
                reactor.remove(descriptor, token)
                self.token = nil
            } else {
                reactor.change(descriptor, token, events: wanted)
            }
        } else {
            token = reactor.add(descriptor, events: wanted, handler())
        }
        events = wanted
    }

    mutating func close(_ reactor: Reactor) {
        guard descriptor >= 0 else { return }
        if let token { reactor.remove(descriptor, token) }
        Glibc.close(descriptor)
        self = WatchedSocket()
    }
}

/// Calls on a socket that never wait.
enum SocketIO {
    enum Input {
        case bytes([UInt8])
        case nothingYet
        case end
        case failed(Int32)
    }

    static func receive(from descriptor: Int32, limit: Int = 64 << 10) -> Input {
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
            count = recv(descriptor, buffer.baseAddress, limit, Int32(MSG_DONTWAIT))
            initialized = max(0, count)
        }
        if count > 0 { return .bytes(bytes) }
        if count == 0 { return .end }
        return errno == EAGAIN || errno == EINTR ? .nothingYet : .failed(errno)
    }

    /// How many bytes went; -errno when it failed.
    static func send(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Int {
        let count = bytes.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
        }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? 0 : -Int(errno)
    }

    /// A socket on its way to the address; -errno when it cannot even begin.
    static func connect(to address: IPAddress, port: UInt16) -> Int32 {
        let flags = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = socket(address.family, Int32(flags), 0)
        guard descriptor >= 0 else { return -errno }
        let result = address.withSocketAddress(port: port) { Glibc.connect(descriptor, $0, $1) }
        if result == 0 || errno == EINPROGRESS { return descriptor }
        let error = errno
        Glibc.close(descriptor)
        return -error
    }

    /// Of a socket of the first internet family; nil for any other.
    static func port(of descriptor: Int32) -> UInt16? {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return result == 0 && Int32(address.sin_family) == AF_INET ? UInt16(bigEndian: address.sin_port) : nil
    }

    /// 0 once a connection stands, or why it doesn't.
    static func connectError(_ descriptor: Int32) -> Int32 {
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno
    }
}
