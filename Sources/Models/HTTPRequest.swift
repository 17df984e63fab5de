/// One HTTP request.
public struct HTTPRequest: Sendable {
    public var method: String
    /// `http` or `https`.
    public var url: String
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    /// Until the connection stands, name resolution and TLS included.
    public var connectTimeout: Duration = .seconds(10)
    /// For the whole exchange.
    public var timeout: Duration = .seconds(600)
    /// A longer body, after decompression, is an error.
    public var maximumResponseBytes = 64 << 20
    /// Take the first `maximumResponseBytes` of a longer body instead of refusing it.
    public var cutsLongBodies = false
    /// The only address to connect to, whatever the host's name resolves to, and through no proxy: one that was checked.
    public var address: String?

    public init(
        _ method: String, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

/// The answer to a request, whatever its status.
public struct HTTPResponse: Sendable {
    public var status: Int
    /// In the order of their arrival.
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    /// There was more of the body than the request takes.
    public var isCut = false

    /// The first header of that name, whatever its case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// Why there is no answer.
public struct HTTPError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// A URL, method or header that cannot be sent.
        case invalidRequest = "invalid_request"
        /// No connection: refused, unreachable, an unknown host.
        case connection
        /// The connection broke before the answer was whole.
        case interrupted
        case timeout
        /// The certificate is not to be trusted, or TLS failed otherwise.
        case tls
        /// The answer is longer than the request allows.
        case tooBig = "too_big"
        case cancelled
        /// What else libcurl says.
        case other
    }

    public var code: Code
    /// In libcurl's words, with what it knows of hosts, ports and times.
    public var message: String
    /// Without user, password and query.
    public var url: String

    public var description: String { "\(url): \(message)" }

    /// Whether the same request may succeed later.
    public var isTransient: Bool {
        switch code {
        case .connection, .interrupted, .timeout: true
        case .invalidRequest, .tls, .tooBig, .cancelled, .other: false
        }
    }
}
