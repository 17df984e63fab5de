/// Reads the name that a TLS client asks for (SNI) from the first bytes of a tunnel: one that was opened to an allowed
/// host must not be used to ask the same machine, which may serve thousands, for another one.
struct ServerNameReader {
    enum Outcome: Equatable {
        case more
        /// The client does not speak TLS.
        case plain
        /// It names no server.
        case none
        case name(String)
        /// It names another one besides, encrypted (ECH).
        case hidden
        /// It begins as TLS and goes on as something else.
        case malformed
    }

    private static let limit = 16 << 10
    private(set) var bytes: [UInt8] = []

    mutating func append(_ new: ArraySlice<UInt8>) -> Outcome {
        bytes += new
        guard let first = bytes.first else { return .more }
        guard first == 0x16 else { return .plain }
        guard bytes.count <= Self.limit else { return .malformed }
        guard let message = handshake() else { return .malformed }
        guard message.count >= 4 else { return .more }
        guard message[0] == 1 else { return .malformed }
        let length = Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3])
        guard length <= Self.limit else { return .malformed }
        guard message.count - 4 >= length else { return .more }
        return Self.serverName(message[4..<4 + length])
    }

    /// The bytes of the handshake so far, out of their records; nil when these are none.
    private func handshake() -> [UInt8]? {
        var message: [UInt8] = []
        var rest = bytes[...]
        while rest.count >= 5 {
            let head = Array(rest.prefix(5))
            let length = Int(head[3]) << 8 | Int(head[4])
            guard head[0] == 0x16, head[1] == 3, (1...16384).contains(length) else {
                // What follows a complete message is the next thing, not this one.
                return Self.isComplete(message) ? message : nil
            }
            message += rest.dropFirst(5).prefix(length)
            rest = rest.dropFirst(5 + length)
        }
        return message
    }

    private static func isComplete(_ message: [UInt8]) -> Bool {
        message.count >= 4 && message.count - 4 >= Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3])
    }

    /// RFC 8446, section 4.1.2; RFC 6066, section 3.
    private static func serverName(_ hello: ArraySlice<UInt8>) -> Outcome {
        var fields = Fields(rest: hello)
        guard fields.skip(34), fields.vector(lengthBytes: 1) != nil, fields.vector(lengthBytes: 2) != nil,
            fields.vector(lengthBytes: 1) != nil
        else { return .malformed }
        if fields.rest.isEmpty { return .none }
        guard let list = fields.vector(lengthBytes: 2), fields.rest.isEmpty else { return .malformed }
        var extensions = Fields(rest: list)
        var found: ArraySlice<UInt8>?
        while !extensions.rest.isEmpty {
            guard let type = extensions.number(bytes: 2), let body = extensions.vector(lengthBytes: 2) else {
                return .malformed
            }
            if type == 0xfe0d { return .hidden }
            guard type == 0 else { continue }
            guard found == nil else { return .malformed }
            found = body
        }
        guard let found else { return .none }
        var outer = Fields(rest: found)
        guard let names = outer.vector(lengthBytes: 2), outer.rest.isEmpty else { return .malformed }
        var inner = Fields(rest: names)
        guard inner.number(bytes: 1) == 0, let name = inner.vector(lengthBytes: 2), inner.rest.isEmpty,
            name.allSatisfy({ (0x21..<0x7f).contains($0) })
        else { return .malformed }
        return .name(String(decoding: name, as: UTF8.self))
    }

    private struct Fields {
        var rest: ArraySlice<UInt8>

        mutating func skip(_ count: Int) -> Bool {
            guard rest.count >= count else { return false }
            rest = rest.dropFirst(count)
            return true
        }

        mutating func number(bytes count: Int) -> Int? {
            guard rest.count >= count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
        }

        mutating func vector(lengthBytes: Int) -> ArraySlice<UInt8>? {
            guard let length = number(bytes: lengthBytes), rest.count >= length else { return nil }
            defer { rest = rest.dropFirst(length) }
            return rest.prefix(length)
        }
    }
}

extension ServerNameReader.Outcome {
    /// Why a tunnel to `target` that begins so must not go on; nil: it may.
    func refusal(in target: EgressTarget) -> String? {
        // What listens at these ports goes by the name that comes next, which nobody could check then.
        let isWeb = [80, 443].contains(target.port)
        switch self {
        case .more: return nil
        case .plain:
            return isWeb ? "the tunnel to \(target) does not begin as TLS: plain HTTP goes without CONNECT" : nil
        case .none: return isWeb ? "the TLS client in a tunnel to \(target) names no server" : nil
        case .name(let name):
            if let asked = try? EgressHost(name), asked == target.host { return nil }
            return "the TLS client asks for \(name) in a tunnel to \(target)"
        case .hidden:
            return "the TLS client in a tunnel to \(target) encrypts the name that it asks for (ECH): switch that off"
        case .malformed: return "the tunnel begins as TLS, but not with a ClientHello that can be read"
        }
    }
}
