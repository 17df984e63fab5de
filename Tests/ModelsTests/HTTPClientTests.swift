import JSON
import Models
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct HTTPClientTests {
    private let client: HTTPClient

    init() throws { client = try HTTPClient() }

    @Test func `a request arrives as it was made and its answer comes back`() async throws {
        let answer = ScriptedAnswer(
            status: 201, headers: ["X-Test": "yes", "Content-Type": "text/plain"], body: [0, 1, 255])
        try await ScriptedChatServer.with(answers: [answer]) { server in
            let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
            let response = try await client.send(
                HTTPRequest("POST", server.url + "/a?b=c", headers: [("X-One", "1"), ("X-Two", "ü")], body: body))
            #expect(response.status == 201)
            #expect(response.header("x-test") == "yes")
            #expect(response.body == [0, 1, 255])
            let request = try #require(server.requests.first)
            #expect(request.method == "POST")
            #expect(request.path == "/v1/a")
            #expect(request.headers["x-one"] == "1")
            #expect(request.headers["expect"] == nil)
            #expect(request.body == body)
        }
    }

    @Test func `a request goes to the address that was checked, under the name that was asked for`() async throws {
        try await ScriptedChatServer.with(answers: [.text("here"), .text("again")]) { server in
            let port = server.url.split(separator: ":")[2].prefix { $0.isNumber }
            for host in ["example.invalid", "tides.example"] {
                var request = HTTPRequest("GET", "http://\(host):\(port)/x")
                request.address = "127.0.0.1"
                let response = try await client.send(request)
                #expect(response.status == 200)
            }
            #expect(server.requests.map { $0.headers["host"] } == ["example.invalid:\(port)", "tides.example:\(port)"])
        }
    }

    @Test func `a long body is cut where the request wants it`() async throws {
        let long = ScriptedAnswer.text(String(repeating: "x", count: 300_000))
        try await ScriptedChatServer.with(answers: [long, long]) { server in
            var request = HTTPRequest("GET", server.url)
            request.maximumResponseBytes = 100_000
            request.cutsLongBodies = true
            let cut = try await client.send(request)
            #expect(cut.body.count == 100_000 && cut.isCut)
            request.maximumResponseBytes = 300_000
            let whole = try await client.send(request)
            #expect(whole.body.count == 300_000 && !whole.isCut)
        }
    }

    @Test func `a URL is read as libcurl reads it`() throws {
        let url = try HTTPURL("http://Example.ORG/a/../b?c=d#frag")
        #expect(url.port == 80 && url.scheme == "http")
        #expect(!url.description.contains("frag"))
        let next = try HTTPURL("/other?x=1", relativeTo: url)
        #expect(next.description.hasSuffix("/other?x=1") && next.host == url.host)
        #expect(try HTTPURL("http://0x7f.1/").host == "127.0.0.1")
        #expect(try HTTPURL("https://[::1]:8443/").port == 8443)
        for bad in ["ftp://x/", "http://a b/", "http://u:p@x/", "nonsense", "http://", "file:///etc/passwd"] {
            #expect(throws: HTTPURL.Malformed.self, "\(bad)") { try HTTPURL(bad) }
        }
    }

    @Test(arguments: ["GET", "PUT", "DELETE"])
    func `other methods work`(method: String) async throws {
        try await ScriptedChatServer.with(answers: [.text("ok")]) { server in
            let response = try await client.send(HTTPRequest(method, server.url))
            #expect(response.body == Array("ok".utf8))
            #expect(server.requests.first?.method == method)
        }
    }

    @Test func `a redirect is an answer, not an order`() async throws {
        let answers = [ScriptedAnswer.text(status: 302, headers: ["Location": "/elsewhere"], ""), .text("followed")]
        try await ScriptedChatServer.with(answers: answers) { server in
            let response = try await client.send(HTTPRequest("GET", server.url))
            #expect(response.status == 302)
            #expect(server.requests.count == 1)
        }
    }

    @Test func `many requests are under way at once`() async throws {
        try await ScriptedChatServer.with(responding: { _, request in
            .text(String(decoding: request.body, as: UTF8.self))
        }) { server in
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for index in 0..<100 {
                    group.addTask {
                        let request = HTTPRequest("POST", server.url, body: Array("body \(index)".utf8))
                        return String(decoding: try await client.send(request).body, as: UTF8.self)
                    }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(answers == Set((0..<100).map { "body \($0)" }))
        }
    }

    @Test func `nobody listening is a connection error in libcurl's words`() async throws {
        let error = await #expect(throws: HTTPError.self) {
            try await client.send(HTTPRequest("GET", "http://user:pw@127.0.0.1:1/v1?token=t"))
        }
        #expect(error?.code == .connection)
        #expect(error?.isTransient == true)
        #expect(
            error?.description.contains("Connection refused") == true || error?.description.contains("connect") == true)
        #expect(error?.description.contains("pw") == false)
        #expect(error?.description.contains("token") == false)
    }

    @Test func `a server that says nothing runs into the timeout`() async throws {
        try await ScriptedChatServer.with(answers: [.text("late").delayed(by: .seconds(60))]) { server in
            var request = HTTPRequest("GET", server.url)
            request.timeout = .milliseconds(50)
            let error = await #expect(throws: HTTPError.self) { try await client.send(request) }
            #expect(error?.code == .timeout)
            #expect(error?.isTransient == true)
        }
    }

    @Test func `a connection that breaks in the middle is an error, not a short answer`() async throws {
        let answer = ScriptedAnswer.text(String(repeating: "x", count: 100_000)).cut(after: 5000)
        try await ScriptedChatServer.with(answers: [answer]) { server in
            let error = await #expect(throws: HTTPError.self) { try await client.send(HTTPRequest("GET", server.url)) }
            #expect(error?.code == .interrupted)
            #expect(error?.isTransient == true)
        }
    }

    @Test func `an answer over the limit is refused, one at the limit is not`() async throws {
        let answer = ScriptedAnswer(body: [UInt8](repeating: 7, count: 100_000))
        try await ScriptedChatServer.with(answers: [answer, answer]) { server in
            var request = HTTPRequest("GET", server.url)
            request.maximumResponseBytes = 100_000
            let response = try await client.send(request)
            #expect(response.body.count == 100_000)
            request.maximumResponseBytes = 99_999
            let error = await #expect(throws: HTTPError.self) { try await client.send(request) }
            #expect(error?.code == .tooBig)
        }
    }

    @Test func `cancelling the task ends the transfer`() async throws {
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        try await ScriptedChatServer.with(responding: { _, _ in
            arrived.yield()
            return .text("late").delayed(by: .seconds(600))
        }) { server in
            let task = Task { try await client.send(HTTPRequest("GET", server.url)) }
            for await _ in arrivals { break }
            task.cancel()
            let error = await #expect(throws: HTTPError.self) { try await task.value }
            #expect(error?.code == .cancelled)
        }
    }

    @Test func `a task that is cancelled already sends nothing`() async throws {
        try await ScriptedChatServer.with(answers: [.text("never")]) { server in
            let (gate, open) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                for await _ in gate {}
                return try await client.send(HTTPRequest("GET", server.url))
            }
            task.cancel()
            open.finish()
            let error = await #expect(throws: HTTPError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            #expect(server.requests.isEmpty)
        }
    }

    @Test func `a client can go away while another stays`() async throws {
        let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
        try await ScriptedChatServer.with(responding: { _, _ in
            arrived.yield()
            return .text("ok")
        }) { server in
            var short: HTTPClient? = try HTTPClient()
            #expect(try await short?.send(HTTPRequest("GET", server.url)).status == 200)
            for await _ in arrivals { break }
            short = nil
            // Another client is not touched by it.
            #expect(try await client.send(HTTPRequest("GET", server.url)).status == 200)
        }
    }

    @Test(arguments: [
        HTTPRequest("GET", "file:///etc/passwd"), HTTPRequest("GET", "ftp://127.0.0.1/x"),
        HTTPRequest("GET", "http://a b/"),
        HTTPRequest("GET\r\nX: y", "http://127.0.0.1:1/"), HTTPRequest("GET", "http://"),
        HTTPRequest("GET", "http://127.0.0.1:1/", headers: [("X", "a\r\nInjected: b")]),
        HTTPRequest("GET", "http://127.0.0.1:1/", headers: [("X: y\r\nZ", "a")]),
        HTTPRequest("GET", "http://127.0.0.1:1/\r\nX: y"),
    ])
    func `what must not be sent is refused`(request: HTTPRequest) async throws {
        let error = await #expect(throws: HTTPError.self) { try await client.send(request) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.isTransient == false)
    }
}
