import Basics
import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Workspaces

/// Blocking sockets on 127.0.0.1, for threads that may wait.
enum Loopback {
    static func listener(_ flags: Int32 = 0) -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | flags, 0)
        var port: UInt16 = 0
        IPAddress(bytes: [127, 0, 0, 1]).withSocketAddress(port: 0) { _ = bind(descriptor, $0, $1) }
        listen(descriptor, 64)
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
        }
        port = UInt16(bigEndian: address.sin_port)
        return (descriptor, port)
    }

    static func connect(_ port: UInt16) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var limit = timeval(tv_sec: 20, tv_usec: 0)  // a broken proxy must fail a test, not hang it
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        IPAddress(bytes: [127, 0, 0, 1]).withSocketAddress(port: port) { _ = Glibc.connect(descriptor, $0, $1) }
        return descriptor
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Until the end, or until it holds `text`.
    static func read(_ descriptor: Int32, until text: String? = nil) -> String {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            all += buffer[..<count]
            if let text, String(decoding: all, as: UTF8.self).contains(text) { break }
        }
        return String(decoding: all, as: UTF8.self)
    }

    /// On a thread of its own: as many of these wait at once as tests run.
    static func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await blocking(body)
    }

    /// Sends, reads until the end, closes.
    static func exchange(_ port: UInt16, _ parts: [UInt8]...) async -> String {
        await onThread {
            let descriptor = connect(port)
            defer { close(descriptor) }
            for part in parts { write(part, to: descriptor) }
            return read(descriptor)
        }
    }
}

/// A real HTTP server on loopback: answers every request with its own text and keeps what it got.
final class TestServer: Sendable {
    let port: UInt16
    private let listener: Int32
    private let seen = Mutex<[String]>([])

    init() {
        (listener, port) = Loopback.listener()
        DispatchQueue(label: "test server").async { [self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { break }
                DispatchQueue(label: "test server's client").async { self.serve(client) }
            }
            close(listener)
        }
    }

    /// The requests as they came, heads and bodies.
    var requests: [String] { seen.withLock { $0 } }

    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve(_ client: Int32) {
        defer { close(client) }
        var whole = Loopback.read(client, until: "\r\n\r\n")
        guard !whole.isEmpty else { return }
        // The tests' bodies say where they end.
        if whole.hasPrefix("POST"), !whole.contains("END") { whole += Loopback.read(client, until: "END") }
        seen.withLock { $0.append(whole) }
        let body = "hello from the server"
        Loopback.write(
            Array("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\r\n\(body)".utf8),
            to: client)
    }
}

/// A proxy on a socket of the host's loopback, for tests that need no workspace.
final class TestProxy: Sendable {
    let proxy: EgressProxy
    let port: UInt16
    private let reactor: Reactor
    private let asked: NameTable

    /// What its names resolve to, and how often each was asked for.
    final class NameTable: Sendable {
        private let state: Mutex<(names: [String: [String]], asked: [String])>
        init(_ names: [String: [String]]) { state = Mutex((names, [])) }
        func resolve(_ name: String) -> Resolution {
            state.withLock { state in
                state.asked.append(name)
                let addresses = (state.names[name] ?? []).compactMap { IPAddress($0) }
                return Resolution(addresses: addresses, failure: addresses.isEmpty ? "no such name" : "")
            }
        }
        var asked: [String] { state.withLock { $0.asked } }
    }

    init(_ rules: [String], names: [String: [String]] = [:], limits: EgressLimits = EgressLimits()) throws {
        let table = NameTable(names)
        asked = table
        reactor = try Reactor()
        proxy = EgressProxy(rules: try EgressRule.list(rules), limits: limits, reactor: reactor) { table.resolve($0) }
        let listener = Loopback.listener(Int32(SOCK_NONBLOCK.rawValue))
        port = listener.port
        proxy.attach(listener.descriptor)
    }

    var askedNames: [String] { asked.asked }
    var attempts: [EgressAttempt] { proxy.log.attempts(since: 0) }

    func send(_ text: String) async -> String { await Loopback.exchange(port, Array(text.utf8)) }

    func stop() {
        proxy.detach()
        reactor.stop()
    }

    static func with<Value>(
        _ rules: [String], names: [String: [String]] = [:], limits: EgressLimits = EgressLimits(),
        _ body: (TestProxy) async throws -> Value
    ) async throws -> Value {
        let proxy = try TestProxy(rules, names: names, limits: limits)
        defer { proxy.stop() }
        return try await body(proxy)
    }
}

/// The same numbers for the same seed, everywhere (splitmix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}
