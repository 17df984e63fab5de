import Basics
import Dialogue
import Glibc
import JSON
import Plugins
import TestSupport
import Testing
import Trace
import Workspaces

@testable import MCP

/// The client's side of a session that a test plays by hand: a real server over two pipes, with real tools in a real
/// workspace.
struct Peer: Sendable {
    let server: MCPServer
    private let toServer: Pipe
    private let fromServer: Pipe
    private let lines = LineBuffer()

    /// What a session came to.
    struct Ending: Sendable {
        var ending: MCPServer.Ending
        var notes: [String]
        /// The events of the trace, which has been verified.
        var events: [TraceRecord]
    }

    struct NoAnswer: Error {}

    /// Plays `body` against a server, closes the input and waits for the server's end.
    @discardableResult
    static func play(
        _ sources: [InlineTool] = [InlineTool.shell], longestMessage: Int = 1 << 20,
        options change: (inout MCPServer.Options) -> Void = { _ in },
        _ body: (Peer) async throws -> Void
    ) async throws -> Ending {
        let workspace = try await SharedHost.host.open()
        let directory = try TemporaryDirectory()
        let store = ContentStore(directory: directory.file("blobs"))
        let trace = try TraceWriter(id: "session", in: directory.path, store: store)
        let notes = NoteBook()
        let bench = try await ToolBench(
            tools: try InlineTool.plugins(sources), workspace: workspace, seed: 1, id: "session", trace: trace)
        var options = MCPServer.Options(version: "test", instructions: "Be careful.")
        options.heartbeat = .milliseconds(20)
        change(&options)
        let (toServer, fromServer) = (try Pipe(), try Pipe())
        let server = MCPServer(
            bench: bench, options: options,
            input: MessageInput(descriptor: toServer.reading, longestMessage: longestMessage),
            output: MessageOutput(descriptor: fromServer.writing), note: notes.add)
        let peer = Peer(server: server, toServer: toServer, fromServer: fromServer)
        let running = Task { await server.run() }
        do {
            try await body(peer)
        } catch {
            await server.stop()
            _ = await running.value
            await workspace.close()
            throw error
        }
        toServer.closeWriting()
        let ending = await running.value
        await workspace.close()
        _ = try await trace.finish(outcome: "completed")
        let verification = try TraceVerifier(store: store).verify(trace.path)
        #expect(verification.isIntact)
        var reader = try TraceReader(path: trace.path)
        var events: [TraceRecord] = []
        while let event = try reader.next() { events.append(event) }
        return Ending(ending: ending, notes: notes.all, events: events)
    }

    // MARK: Sending

    func send(raw text: String) async {
        let bytes = Array(text.utf8)
        let descriptor = toServer.writing
        await blocking {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }

    func send(_ message: JSONValue) async { await send(raw: message.compact + "\n") }

    func request(_ id: Int, _ method: String, _ params: JSONValue = [:]) async {
        await send(["jsonrpc": "2.0", "id": .int(id), "method": .string(method), "params": params])
    }

    func call(_ id: Int, _ tool: String, _ arguments: JSONValue, progress: JSONValue? = nil) async {
        var params: JSONValue = ["name": .string(tool), "arguments": arguments]
        if let progress { params["_meta"] = ["progressToken": progress] }
        await request(id, "tools/call", params)
    }

    func shell(_ id: Int, _ command: String) async { await call(id, "shell", ["command": .string(command)]) }

    func notify(_ method: String, _ params: JSONValue = [:]) async {
        await send(["jsonrpc": "2.0", "method": .string(method), "params": params])
    }

    /// Initializes the session and returns the server's answer.
    @discardableResult
    func initialize(_ version: String = "2025-11-25") async throws -> JSONValue {
        await request(
            0, "initialize",
            [
                "protocolVersion": .string(version), "capabilities": [:],
                "clientInfo": ["name": "test", "version": "1"],
            ])
        let answer = try await next()
        await notify("notifications/initialized")
        return answer["result"] ?? answer
    }

    /// The client reads no more.
    func stopReading() { fromServer.closeReading() }

    // MARK: Receiving

    /// The next message of the server.
    func next() async throws -> JSONValue {
        while true {
            if let line = await lines.pop() { return try JSONValue(parsing: line) }
            let descriptor = fromServer.reading
            let chunk = await blocking { () -> [UInt8] in
                var buffer = [UInt8](repeating: 0, count: 1 << 16)
                let count = read(descriptor, &buffer, buffer.count)
                return Array(buffer.prefix(max(0, count)))
            }
            guard !chunk.isEmpty else { throw NoAnswer() }
            await lines.add(chunk)
        }
    }

    /// The next answer; notifications before it are dropped.
    func answer() async throws -> JSONValue {
        while true {
            let message = try await next()
            if message["method"] == nil { return message }
        }
    }
}

private actor LineBuffer {
    private var bytes: [UInt8] = []
    func add(_ chunk: [UInt8]) { bytes += chunk }
    func pop() -> [UInt8]? {
        guard let end = bytes.firstIndex(of: 0x0A) else { return nil }
        defer { bytes.removeFirst(end + 1) }
        return Array(bytes[..<end])
    }
}

/// A pipe whose ends are closed with it.
final class Pipe: Sendable {
    let reading: CInt
    let writing: CInt
    private let open: Box

    init() throws {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemFailure(doing: "make a pipe", errno: errno) }
        // Programs that other tests start must not hold it open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        signal(SIGPIPE, SIG_IGN)
        (reading, writing) = (ends[0], ends[1])
        open = Box(ends)
    }

    deinit { open.closeAll() }

    func closeReading() { open.close(reading) }
    func closeWriting() { open.close(writing) }
}
