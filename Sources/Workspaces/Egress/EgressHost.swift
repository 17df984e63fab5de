/// A host and a port, in the one spelling that requests and rules are compared in.
struct EgressTarget: Hashable, Sendable, CustomStringConvertible {
    var host: EgressHost
    var port: UInt16

    var description: String { "\(host):\(port)" }
}

/// Why a host, a target or a rule cannot be read.
struct EgressSyntaxError: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}

enum EgressHost: Hashable, Sendable, CustomStringConvertible {
    /// Lower case, without a dot at its end.
    case name(String)
    case address(IPAddress)

    var description: String {
        switch self {
        case .name(let name): name
        case .address(let address): address.inAuthority
        }
    }

    /// Reads a name or an address as it stands in an authority, an IPv6 address in brackets. What some resolver would
    /// take for an address, but is not spelled as one (`127.1`, `0x7f000001`, `2130706433`, `0177.0.0.1`), is refused:
    /// what is compared with the rules must be what is connected to.
    init(_ text: some StringProtocol) throws(EgressSyntaxError) {
        if text.first == "[" {
            guard text.last == "]", let address = IPAddress(String(text.dropFirst().dropLast())),
                address.bytes.count == 16
            else { throw EgressSyntaxError("\"\(text)\" is not an IPv6 address in brackets") }
            self = .address(address)
            return
        }
        var name = Self.lowercasedASCII(text)
        if name.hasSuffix(".") { name.removeLast() }
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        try Self.check(labels, of: name)
        guard let last = labels.last, Self.looksNumeric(last) else {
            self = .name(name)
            return
        }
        // Not after the dot at the end was dropped: an address has none.
        guard let address = IPAddress(String(text)), address.bytes.count == 4 else {
            throw EgressSyntaxError("\"\(name)\" is neither a name nor an IPv4 address as four decimal numbers")
        }
        self = .address(address)
    }

    private static func lowercasedASCII(_ text: some StringProtocol) -> String {
        String(decoding: text.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    private static func check(_ labels: [Substring], of name: String) throws(EgressSyntaxError) {
        guard name.utf8.count <= 253 else { throw EgressSyntaxError("a host name has at most 253 characters") }
        for label in labels {
            let letters = label.utf8
            guard (1...63).contains(letters.count) else {
                throw EgressSyntaxError("a label of \"\(name)\" is empty or longer than 63 characters")
            }
            guard letters.allSatisfy(isHostLetter), letters.first != 0x2d, letters.last != 0x2d else {
                throw EgressSyntaxError("\"\(name)\" is not a host name: labels have letters, digits, _ and inner -")
            }
        }
    }

    private static func isHostLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7a, 0x30...0x39, 0x2d, 0x5f: true
        default: false
        }
    }

    /// As the URL standard says: a last label of digits, or a hexadecimal number, makes it an address to somebody.
    private static func looksNumeric(_ label: Substring) -> Bool {
        let digits = label.utf8
        if digits.allSatisfy({ (0x30...0x39).contains($0) }) { return true }
        return label.hasPrefix("0x") && label.dropFirst(2).allSatisfy(\.isHexDigit)
    }
}

extension EgressTarget {
    /// `host:port`, or `host` alone when there is a default for the port.
    init(authority text: some StringProtocol, defaultPort: UInt16?) throws(EgressSyntaxError) {
        let (hostText, portText) = try Self.split(text)
        host = try EgressHost(hostText)
        if let portText {
            port = try Self.port(portText)
        } else if let defaultPort {
            port = defaultPort
        } else {
            throw EgressSyntaxError("\"\(text)\" has no port")
        }
    }

    /// At the colon before the port, which is outside of brackets.
    static func split<Text: StringProtocol>(
        _ text: Text
    ) throws(EgressSyntaxError) -> (host: Text.SubSequence, port: Text.SubSequence?) {
        let afterBrackets = text.first == "[" ? text.firstIndex(of: "]") ?? text.endIndex : text.startIndex
        guard let colon = text[afterBrackets...].firstIndex(of: ":") else { return (text[...], nil) }
        let port = text[text.index(after: colon)...]
        guard !port.contains(":") else {
            throw EgressSyntaxError("\"\(text)\" has more than one colon; an IPv6 address stands in brackets")
        }
        return (text[..<colon], port)
    }

    static func port(_ text: some StringProtocol) throws(EgressSyntaxError) -> UInt16 {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(text), port > 0
        else { throw EgressSyntaxError("\"\(text)\" is not a port: a number from 1 to 65535") }
        return port
    }
}
