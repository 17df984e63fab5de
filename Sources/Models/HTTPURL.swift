import CurlShim

/// An http or https URL as libcurl itself reads it, so that what is checked is what is connected to.
public struct HTTPURL: Sendable, Hashable, CustomStringConvertible {
    /// In libcurl's own spelling.
    public let description: String
    /// `http` or `https`.
    public let scheme: String
    /// Of an IPv6 address with its brackets.
    public let host: String
    public let port: Int

    /// Why a URL cannot be used.
    public struct Malformed: Error, Sendable, Hashable, CustomStringConvertible {
        public var description: String
    }

    /// - Parameter base: what a relative reference, as of a redirect, begins at.
    public init(_ text: String, relativeTo base: HTTPURL? = nil) throws(Malformed) {
        guard let handle = curl_url() else { throw Malformed(description: "libcurl has no memory for a URL") }
        defer { curl_url_cleanup(handle) }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw Malformed(description: "the URL has blanks or control characters; percent-encode them")
        }
        var result = CURLUE_OK
        if let base { result = curl_url_set(handle, CURLUPART_URL, base.description, 0) }
        if result == CURLUE_OK { result = curl_url_set(handle, CURLUPART_URL, text, 0) }
        guard result == CURLUE_OK else {
            throw Malformed(
                description: "\(text.debugDescription) is no URL: \(String(cString: curl_url_strerror(result)))")
        }
        func part(_ part: CURLUPart, _ flags: UInt32 = 0) -> String? {
            var value: UnsafeMutablePointer<CChar>?
            guard curl_url_get(handle, part, &value, flags) == CURLUE_OK, let value else { return nil }
            defer { curl_free(value) }
            return String(cString: value)
        }
        scheme = part(CURLUPART_SCHEME) ?? ""
        guard scheme == "http" || scheme == "https" else {
            throw Malformed(
                description: "only http and https URLs can be fetched, not \(scheme.isEmpty ? text : scheme)")
        }
        guard part(CURLUPART_USER) == nil, part(CURLUPART_PASSWORD) == nil else {
            throw Malformed(description: "the URL must not hold a user name or a password")
        }
        curl_url_set(handle, CURLUPART_FRAGMENT, nil, 0)
        guard let url = part(CURLUPART_URL), let host = part(CURLUPART_HOST), !host.isEmpty,
            let port = part(CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT)).flatMap({ Int($0) })
        else { throw Malformed(description: "\(text.debugDescription) has no host") }
        description = url
        self.host = host
        self.port = port
    }
}
