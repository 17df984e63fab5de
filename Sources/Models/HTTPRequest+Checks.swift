extension HTTPRequest {
    /// Why the request must not be sent; nil for a good one. A line break in a header would smuggle in another.
    var defect: String? {
        guard !method.isEmpty, method.utf8.allSatisfy({ $0.isTokenCharacter }) else { return "the method is no token" }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            return "the URL has blanks or control characters"
        }
        guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
            return "the URL starts with neither http:// nor https://"
        }
        for (name, value) in headers {
            guard !name.isEmpty, name.utf8.allSatisfy({ $0.isTokenCharacter }) else {
                return "a header's name is no token"
            }
            guard value.utf8.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }) else {
                return "the header \(name) has control characters"
            }
        }
        return nil
    }

    /// The URL without what may be secret in it: user, password, query.
    var publicURL: String {
        let withoutQuery = url.prefix { $0 != "?" && $0 != "#" }
        guard let scheme = withoutQuery.firstRange(of: "://") else { return String(withoutQuery) }
        let authority = withoutQuery[scheme.upperBound...].prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@") else { return String(withoutQuery) }
        return String(withoutQuery[..<scheme.upperBound] + withoutQuery[authority.index(after: at)...])
    }

    /// Host and port as they stand in the URL.
    private var authority: Substring {
        guard let scheme = url.firstRange(of: "://") else { return "" }
        let authority = url[scheme.upperBound...].prefix { !"/?#".contains($0) }
        return authority.split(separator: "@").last ?? ""
    }

    /// libcurl's `HOST:PORT:CONNECT-TO-HOST:CONNECT-TO-PORT`: for any host and port, that address and the same port.
    var pinning: String? {
        address.map { "::" + ($0.contains(":") ? "[\($0)]" : $0) + ":" }
    }

    var isLoopback: Bool {
        let host = authority
        return host.hasPrefix("[::1]") || ["127.0.0.1", "localhost"].contains(host.prefix { $0 != ":" })
    }
}

extension UInt8 {
    /// RFC 9110's token characters.
    fileprivate var isTokenCharacter: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(self)
        }
    }
}
