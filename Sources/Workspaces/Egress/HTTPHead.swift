/// A request that is not taken: what is answered, and why.
struct BadRequest: Error, Equatable {
    var status: Int
    var reason: String

    init(_ reason: String, status: Int = 400) {
        self.status = status
        self.reason = reason
    }
}

/// The first line and the headers of an HTTP/1 request, read strictly: what two programs could read differently (RFC
/// 9112, section 11.2) is refused instead of repaired, since the server behind the proxy may be the other program.
struct HTTPHead {
    var method: String
    var target: String
    /// HTTP/1.minor
    var minor: Int
    /// Names in lower case; each occurs once.
    var headers: [Header]

    struct Header {
        var name: String
        /// As it goes on, without the line end: no server is to see white space that it might read in its own way.
        var line: [UInt8]
        /// Without the white space around it.
        var value: ArraySlice<UInt8>

        var text: String { String(decoding: value, as: UTF8.self) }
    }

    func value(_ name: String) -> String? { headers.first { $0.name == name }?.text }
}

/// Gathers a head as its bytes come, and looks at each byte once.
struct HTTPHeadReader {
    private(set) var bytes: [UInt8] = []
    private var scanned = 0
    private var lineStart = 0
    private var lines: [Range<Int>] = []
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// The head once it is complete, with the bytes that came after it; nil: more is needed.
    mutating func append(_ new: [UInt8]) throws(BadRequest) -> (head: HTTPHead, rest: ArraySlice<UInt8>)? {
        bytes += new
        while scanned < bytes.count {
            let byte = bytes[scanned]
            switch byte {
            case 0x0a:
                guard scanned > 0, bytes[scanned - 1] == 0x0d else { throw BadRequest("a line ends without CR") }
                let line = lineStart..<scanned - 1
                lineStart = scanned + 1
                if line.isEmpty {
                    scanned += 1
                    return (try HTTPHead(bytes, lines), bytes[scanned...])
                }
                lines.append(line)
            case 0x0d:
                // Its LF may be still to come.
                guard scanned + 1 == bytes.count || bytes[scanned + 1] == 0x0a else {
                    throw BadRequest("a CR stands within a line")
                }
            case 0x09: guard !lines.isEmpty else { throw BadRequest("a tab stands in the request line") }
            case 0: throw BadRequest("a NUL byte")
            case 0x01..<0x20, 0x7f: throw BadRequest("a control character")
            default: break
            }
            if scanned > 0, bytes[scanned - 1] == 0x0d, byte != 0x0a { throw BadRequest("a CR stands within a line") }
            scanned += 1
            guard scanned < limit else {
                throw BadRequest("the request line and headers have more than \(limit) bytes", status: 431)
            }
        }
        return nil
    }

    /// The first line for the log, with what does not print escaped.
    var excerpt: String {
        var text = ""
        for byte in bytes.prefix(200) {
            if byte == 0x0a || byte == 0x0d { break }
            if (0x20..<0x7f).contains(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text
    }
}

extension HTTPHead {
    private static let headerLimit = 100

    /// - Parameter lines: ranges of `bytes` without the line ends, in which no control character but tab is.
    fileprivate init(_ bytes: [UInt8], _ lines: [Range<Int>]) throws(BadRequest) {
        guard let first = lines.first else { throw BadRequest("an empty line stands before the request") }
        (method, target, minor) = try Self.requestLine(bytes[first])
        guard lines.count <= Self.headerLimit + 1 else {
            throw BadRequest("there are more than \(Self.headerLimit) headers", status: 431)
        }
        headers = []
        var seen: Set<String> = []
        for line in lines.dropFirst() {
            let header = try Self.header(bytes[line])
            guard seen.insert(header.name).inserted else { throw BadRequest("the header \(header.name) comes twice") }
            headers.append(header)
        }
    }

    private static func requestLine(_ line: ArraySlice<UInt8>) throws(BadRequest) -> (String, String, Int) {
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else {
            throw BadRequest("the request line is not METHOD TARGET VERSION with one space between")
        }
        guard parts[0].allSatisfy(isTokenLetter) else { throw BadRequest("the method is not a token") }
        guard parts[1].allSatisfy({ (0x21..<0x7f).contains($0) }) else {
            throw BadRequest("the target holds a byte that is not printable ASCII")
        }
        let minor: Int
        switch String(decoding: parts[2], as: UTF8.self) {
        case "HTTP/1.1": minor = 1
        case "HTTP/1.0": minor = 0
        default: throw BadRequest("only HTTP/1.0 and HTTP/1.1 are spoken here", status: 505)
        }
        return (String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self), minor)
    }

    private static func header(_ line: ArraySlice<UInt8>) throws(BadRequest) -> Header {
        guard line.first != 0x20, line.first != 0x09 else { throw BadRequest("a header is folded over two lines") }
        guard let colon = line.firstIndex(of: 0x3a), colon > line.startIndex else {
            throw BadRequest("a header has no name")
        }
        guard line[..<colon].allSatisfy(isTokenLetter) else {
            throw BadRequest("a header's name is not a token, or white space stands before its colon")
        }
        var value = line[(colon + 1)...]
        while let letter = value.first, letter == 0x20 || letter == 0x09 { value.removeFirst() }
        while let letter = value.last, letter == 0x20 || letter == 0x09 { value.removeLast() }
        let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
        return Header(name: name, line: line[..<colon] + [0x3a, 0x20] + value, value: value)
    }

    private static func isTokenLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        // ! # $ % & ' * + - . ^ _ ` | ~
        case 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e, 0x5f, 0x60, 0x7c, 0x7e: true
        default: false
        }
    }
}
