import Basics
import CurlShim
import Glibc

/// One exchange under way. Lives and dies on the thread of its `CurlLoop`.
final class CurlTransfer {
    let job: HTTPJob
    let easy: UnsafeMutableRawPointer

    private var headers: [(name: String, value: String)] = []
    private var body: [UInt8] = []
    private var isTooBig = false

    /// libcurl's list, which it does not copy.
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var pinningList: UnsafeMutablePointer<curl_slist>?
    private let message = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    /// Nil when the request cannot be sent: the job is answered then.
    static func begin(_ job: HTTPJob) -> CurlTransfer? {
        func refuse(_ code: HTTPError.Code, _ message: String) -> CurlTransfer? {
            job.refuse(code, message)
            return nil
        }
        guard !job.isCancelled.isRaised else { return refuse(.cancelled, "the request was cancelled") }
        if let reason = job.request.defect { return refuse(.invalidRequest, reason) }
        guard let easy = curl_easy_init() else { return refuse(.other, "libcurl has no memory for another transfer") }
        let transfer = CurlTransfer(job, easy: easy)
        let result = transfer.configure()
        guard result == CURLE_OK else {
            return refuse(.invalidRequest, String(cString: curl_easy_strerror(result)))
        }
        return transfer
    }

    private init(_ job: HTTPJob, easy: UnsafeMutableRawPointer) {
        self.job = job
        self.easy = easy
        message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headerList)
        curl_slist_free_all(pinningList)
        message.deallocate()
    }

    /// Answers the job with what libcurl made of it.
    func end(_ result: CURLcode) {
        guard !isTooBig || job.request.cutsLongBodies else {
            job.refuse(.tooBig, "the answer is longer than \(job.request.maximumResponseBytes) bytes")
            return
        }
        guard result == CURLE_OK || isTooBig else {
            let reason = message[0] == 0 ? String(cString: curl_easy_strerror(result)) : String(cString: message)
            job.refuse(Self.code(result), reason)
            return
        }
        var response = HTTPResponse(status: curl_shim_status(easy), headers: headers, body: body)
        response.isCut = isTooBig
        job.continuation.resume(returning: .success(response))
    }

    private func configure() -> CURLcode {
        let request = job.request
        // An empty "Expect:" keeps libcurl from asking, and waiting, before it sends a large body.
        for line in request.headers.map({ "\($0.name): \($0.value)" }) + ["Expect:"] {
            guard let list = curl_slist_append(headerList, line) else { return CURLE_OUT_OF_MEMORY }
            headerList = list
        }
        if let pinning = request.pinning { pinningList = curl_slist_append(nil, pinning) }
        let isDirect = request.isLoopback || request.address != nil
        let context = Unmanaged.passUnretained(self).toOpaque()
        let settings: [() -> CURLcode] = [
            { curl_shim_set_string(self.easy, CURLOPT_URL, request.url) },
            { curl_shim_set_string(self.easy, CURLOPT_PROTOCOLS_STR, "http,https") },
            { curl_shim_set_long(self.easy, CURLOPT_NOSIGNAL, 1) },
            { curl_shim_set_long(self.easy, CURLOPT_FOLLOWLOCATION, 0) },
            { curl_shim_set_long(self.easy, CURLOPT_TCP_KEEPALIVE, 1) },
            { curl_shim_set_long(self.easy, CURLOPT_CONNECTTIMEOUT_MS, request.connectTimeout.curlMilliseconds) },
            { curl_shim_set_long(self.easy, CURLOPT_TIMEOUT_MS, request.timeout.curlMilliseconds) },
            { curl_shim_set_string(self.easy, CURLOPT_ACCEPT_ENCODING, "") },
            { curl_shim_set_string(self.easy, CURLOPT_USERAGENT, "ise") },
            { isDirect ? curl_shim_set_string(self.easy, CURLOPT_PROXY, "") : CURLE_OK },
            // A connection kept for a name may lead to another address than the one that was checked now.
            { curl_shim_set_long(self.easy, CURLOPT_FRESH_CONNECT, request.address == nil ? 0 : 1) },
            { curl_shim_set_long(self.easy, CURLOPT_FORBID_REUSE, request.address == nil ? 0 : 1) },
            { curl_shim_set_pointer(self.easy, CURLOPT_CONNECT_TO, self.pinningList) },
            { curl_shim_set_pointer(self.easy, CURLOPT_HTTPHEADER, self.headerList) },
            { curl_shim_set_pointer(self.easy, CURLOPT_ERRORBUFFER, self.message) },
            { curl_shim_set_receiver(self.easy, CURLOPT_HEADERFUNCTION, receiveHeader) },
            { curl_shim_set_pointer(self.easy, CURLOPT_HEADERDATA, context) },
            { curl_shim_set_receiver(self.easy, CURLOPT_WRITEFUNCTION, receiveBody) },
            { curl_shim_set_pointer(self.easy, CURLOPT_WRITEDATA, context) },
            { self.setMethod(request) },
        ]
        return settings.lazy.map { $0() }.first { $0 != CURLE_OK } ?? CURLE_OK
    }

    private func setMethod(_ request: HTTPRequest) -> CURLcode {
        switch request.method {
        case "GET": return curl_shim_set_long(easy, CURLOPT_HTTPGET, 1)
        case "HEAD": return curl_shim_set_long(easy, CURLOPT_NOBODY, 1)
        default:
            let result = request.body.withUnsafeBytes { curl_shim_set_body(easy, $0.baseAddress, $0.count) }
            guard result == CURLE_OK else { return result }
            return curl_shim_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method)
        }
    }

    fileprivate func receive(header bytes: UnsafeRawBufferPointer) -> Int {
        let line = String(decoding: bytes, as: UTF8.self).trimmed
        if line.hasPrefix("HTTP/") {
            headers = []  // an interim answer went before
        } else if let colon = line.firstIndex(of: ":") {
            headers.append((String(line[..<colon]), String(line[line.index(after: colon)...]).trimmed))
        }
        return bytes.count
    }

    fileprivate func receive(body bytes: UnsafeRawBufferPointer) -> Int {
        let room = job.request.maximumResponseBytes - body.count
        guard bytes.count <= room else {
            isTooBig = true
            body.append(contentsOf: bytes.prefix(room))
            return 0
        }
        body.append(contentsOf: bytes)
        return bytes.count
    }

    private static func code(_ result: CURLcode) -> HTTPError.Code {
        switch result {
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: .invalidRequest
        case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .connection
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_HTTP2, CURLE_HTTP2_STREAM:
            .interrupted
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CACERT_BADFILE: .tls
        default: .other
        }
    }
}

private func receiveHeader(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
        .receive(header: UnsafeRawBufferPointer(start: bytes, count: size * count))
}

private func receiveBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
        .receive(body: UnsafeRawBufferPointer(start: bytes, count: size * count))
}

extension Duration {
    /// As libcurl wants it, rounded up: a timeout of 0 would mean none.
    fileprivate var curlMilliseconds: Int { max(0, (self + .nanoseconds(999_999)).wholeMilliseconds) }
}
