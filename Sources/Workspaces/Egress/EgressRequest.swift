/// What a client asks of the proxy, and what of it goes on to the server.
struct EgressRequest {
    var method: String
    var target: EgressTarget
    /// `CONNECT`: bytes in both directions, whatever they are.
    var isTunnel: Bool
    /// The request as the server gets it; empty for a tunnel.
    var head: [UInt8]
    var body: RequestBody

    init(_ head: HTTPHead) throws(BadRequest) {
        method = head.method
        isTunnel = head.method == "CONNECT"
        let path: Substring
        do throws(EgressSyntaxError) {
            if isTunnel {
                target = try EgressTarget(authority: head.target, defaultPort: nil)
                path = ""
            } else {
                (target, path) = try Self.absoluteForm(head.target)
            }
            try Self.checkHost(head, target, defaultPort: isTunnel ? target.port : 80)
        } catch {
            throw BadRequest(error.reason)
        }
        body = try RequestBody(head)
        if isTunnel {
            guard body.isEmpty else { throw BadRequest("CONNECT has a body") }
            self.head = []
        } else {
            self.head = try Self.forwarded(head, target, path)
        }
    }

    /// `http://host[:port]/path`.
    private static func absoluteForm(_ text: String) throws(EgressSyntaxError) -> (EgressTarget, Substring) {
        guard !text.contains("#"), !text.contains("\\") else {
            throw EgressSyntaxError("the target holds a # or a backslash")
        }
        guard text.prefix(7).lowercased() == "http://" else {
            if text.prefix(8).lowercased() == "https://" {
                throw EgressSyntaxError("https goes through CONNECT, so that it stays between client and server")
            }
            throw EgressSyntaxError(
                "this is a proxy: the target must be http://host[:port]/path, or host:port with CONNECT")
        }
        let rest = text.dropFirst(7)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        guard !rest[..<end].contains("@") else { throw EgressSyntaxError("the target holds a user name") }
        return (try EgressTarget(authority: rest[..<end], defaultPort: 80), rest[end...])
    }

    /// A server that goes by `Host` must not see another one than the rules saw.
    private static func checkHost(
        _ head: HTTPHead, _ target: EgressTarget, defaultPort: UInt16
    ) throws(EgressSyntaxError) {
        guard let text = head.value("host") else {
            guard head.minor == 0 else { throw EgressSyntaxError("there is no Host header") }
            return
        }
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { throw EgressSyntaxError("Host is not ASCII") }
        let host = try EgressTarget(authority: text, defaultPort: defaultPort)
        guard host == target else { throw EgressSyntaxError("Host is \(host), the target is \(target)") }
    }

    /// Between client and proxy only (RFC 9110, section 7.6.1).
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate", "te", "trailer",
        "upgrade", "host",
    ]
    /// Without these the server would read another request than the proxy did.
    private static let framing: Set<String> = ["host", "content-length", "transfer-encoding"]

    private static func forwarded(
        _ head: HTTPHead, _ target: EgressTarget, _ path: Substring
    ) throws(BadRequest) -> [UInt8] {
        let named = (head.value("connection") ?? "").lowercased().split(separator: ",")
            .map { String($0.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }) }
        guard framing.isDisjoint(with: named) else {
            throw BadRequest("Connection names a header that says where the request ends or goes")
        }
        let dropped = hopByHop.union(named)
        let authority = target.port == 80 ? "\(target.host)" : "\(target)"
        let origin = path.first == "/" ? String(path) : "/" + path
        var bytes = Array("\(head.method) \(origin) HTTP/1.\(head.minor)\r\nHost: \(authority)\r\n".utf8)
        for header in head.headers where !dropped.contains(header.name) {
            bytes += header.line
            bytes += [0x0d, 0x0a]
        }
        bytes += Array("Connection: close\r\n\r\n".utf8)
        return bytes
    }
}

/// Follows a request's body to its end: what comes after it would be a second request, which nobody has looked at.
struct RequestBody {
    private enum State {
        case length(Int)
        case chunkSize(Int, digits: Int)
        case chunkSizeEnd(Int)
        case chunk(Int)
        case chunkEnd([UInt8])
        case lastEnd([UInt8])
    }
    private var state: State

    var isEmpty: Bool { if case .length(0) = state { true } else { false } }
    /// The request is complete.
    var isFinished: Bool { isEmpty }

    init(_ head: HTTPHead) throws(BadRequest) {
        let length = head.value("content-length")
        if let coding = head.value("transfer-encoding") {
            guard length == nil else { throw BadRequest("Content-Length and Transfer-Encoding come together") }
            guard head.minor == 1, coding.lowercased() == "chunked" else {
                throw BadRequest(
                    "Transfer-Encoding is \"\(coding)\" in HTTP/1.\(head.minor); only chunked is taken, in 1.1")
            }
            state = .chunkSize(0, digits: 0)
        } else if let length {
            guard (1...15).contains(length.utf8.count), length.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let count = Int(length)
            else { throw BadRequest("Content-Length is not a number") }
            state = .length(count)
        } else {
            state = .length(0)
        }
    }

    /// How many of the bytes belong to the body.
    mutating func take(_ bytes: ArraySlice<UInt8>) throws(BadRequest) -> Int {
        var index = bytes.startIndex
        while index < bytes.endIndex, !isFinished {
            switch state {
            case .length(let left):
                let count = min(left, bytes.endIndex - index)
                state = .length(left - count)
                index += count
            case .chunk(let left):
                let count = min(left, bytes.endIndex - index)
                state = left == count ? .chunkEnd([0x0d, 0x0a]) : .chunk(left - count)
                index += count
            default:
                try takeFraming(bytes[index])
                index += 1
            }
        }
        return index - bytes.startIndex
    }

    /// No extensions and no trailers: nobody sends them, but for tricks.
    private mutating func takeFraming(_ byte: UInt8) throws(BadRequest) {
        switch state {
        case .chunkSize(let size, let digits):
            if byte == 0x0d, digits > 0 {
                state = .chunkSizeEnd(size)
            } else if let digit = Character(Unicode.Scalar(byte)).hexDigitValue, digits < 8 {
                state = .chunkSize(size << 4 | digit, digits: digits + 1)
            } else {
                throw BadRequest("a chunk's size is not at most 8 hexadecimal digits and CR LF")
            }
        case .chunkSizeEnd(let size):
            guard byte == 0x0a else { throw BadRequest("a chunk's size is not at most 8 hexadecimal digits and CR LF") }
            state = size == 0 ? .lastEnd([0x0d, 0x0a]) : .chunk(size)
        case .chunkEnd(let expected):
            guard byte == expected[0] else { throw BadRequest("a chunk is longer than it says") }
            state = expected.count == 1 ? .chunkSize(0, digits: 0) : .chunkEnd([expected[1]])
        case .lastEnd(let expected):
            guard byte == expected[0] else { throw BadRequest("trailers are not taken") }
            state = expected.count == 1 ? .length(0) : .lastEnd([expected[1]])
        case .length, .chunk: break
        }
    }
}
