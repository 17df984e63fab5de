import Dialogue
import JSON
import Synchronization
import TestSupport
import Testing
import Workspaces

@testable import MCP

/// Foreign servers, good and bad, as they run in a workspace.
struct ForeignServerTests {
    /// What a server brought, and what it had to say.
    private struct Visit {
        var tools: [ForeignTool]
        var log: Log
        var workspace: Workspace

        func call(_ name: String, _ arguments: JSONValue = [:]) async throws(ToolError) -> ToolAnswer {
            guard let tool = tools.first(where: { $0.name == name }) else {
                throw ToolError(code: "no_such_tool", message: name)
            }
            return try await tool.call(arguments)
        }

        func failure(of name: String) async -> ToolError? {
            do throws(ToolError) {
                _ = try await call(name)
                return nil
            } catch { return error }
        }
    }

    private final class Log: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ level: String, _ text: String) { lines.withLock { $0.append("\(level): \(text)") } }
        func has(_ text: String) -> Bool { all.contains { $0.contains(text) } }
    }

    private static func visit(
        _ mode: String = "", change: (inout ForeignServer) -> Void = { _ in }, _ body: (Visit) async throws -> Void
    ) async throws {
        let workspace = try await SharedHost.host.open()
        let log = Log()
        do {
            try await workspace.write("server.py", try readFile(HostProgram.fixture("server.py")))
            var server = ForeignServer(name: "small", command: "python3 server.py \(mode)")
            change(&server)
            let tools = await server.open(in: workspace) { log.add($0, $1) }
            try await body(Visit(tools: tools, log: log, workspace: workspace))
        } catch {
            await workspace.close()
            throw error
        }
        await workspace.close()
    }

    // MARK: Good ones

    @Test func allPagesOfToolsAreOfferedWithTheirSchemas() async throws {
        try await Self.visit { visit in
            #expect(visit.tools.count == 11)
            let add = try #require(visit.tools.first)
            #expect(add.name == "add")
            #expect(add.description == "Adds two numbers.")
            #expect(add.parameters["required"] == ["a", "b"])
            #expect(visit.log.has("MCP server small 2"))
        }
    }

    @Test func aCallGivesTextAndStructure() async throws {
        try await Self.visit { visit in
            let sum = try await visit.call("add", ["a": 2, "b": 3])
            #expect(sum == ToolAnswer(text: "5", details: ["structured": ["sum": 5]]))
            let failure = try await visit.call("fail")
            #expect(failure == ToolAnswer(text: "there is no such thing", failed: true))
            let picture = try await visit.call("picture")
            #expect(picture.text == "[image image/png, 3 bytes]\nseen")
            #expect(picture.images == [ToolImage(mime: "image/png", data: "AAAA")])
        }
    }

    @Test func theServerActsInTheWorkspace() async throws {
        try await Self.visit { visit in
            let place = try await visit.call("where")
            #expect(place.text == Workspace.home)
            let made = try await visit.workspace.read("made-by-server.txt")
            #expect(String(decoding: made, as: UTF8.self) == "here\n")
            #expect(visit.workspace.jobs.isEmpty)
        }
    }

    @Test func whatTheServerAsksIsAnsweredOrRefused() async throws {
        try await Self.visit { visit in
            let answers = try JSONValue(parsing: try await visit.call("ask").text)
            #expect(answers["ping"] == [:])
            #expect(answers["roots/list"] == ["roots": []])
            #expect(answers["sampling/createMessage"]?["code"] == -1)
            #expect(answers["elicitation/create"] == ["action": "decline"])
            #expect(answers["made/up"]?["code"] == -32601)
        }
    }

    // MARK: Bad ones

    @Test func anErrorOfTheServerIsATypedError() async throws {
        try await Self.visit { visit in
            let refused = await visit.failure(of: "refuse")
            #expect(refused?.code == "mcp_error")
            #expect(refused?.message == "the MCP server small: not like this (-32602)")
            let empty = await visit.failure(of: "nothing")
            #expect(empty?.code == "mcp_protocol")
            let sum = try await visit.call("add", ["a": 1, "b": 1])
            #expect(sum.text == "2")
        }
    }

    @Test func aServerThatDiesFailsThisCallAndAllLaterOnes() async throws {
        try await Self.visit { visit in
            let dying = await visit.failure(of: "die")
            #expect(dying?.code == "mcp_gone")
            #expect(dying?.message.contains("exit code 7") == true)
            let dead = await visit.failure(of: "add")
            #expect(dead?.code == "mcp_gone")
        }
    }

    @Test func aServerThatHangsRunsIntoTheTimeout() async throws {
        try await Self.visit(change: { $0.callTimeout = .milliseconds(100) }) { visit in
            let hanging = await visit.failure(of: "hang")
            #expect(hanging?.code == "mcp_timeout")
        }
    }

    @Test func aCallThatIsCancelledEndsAtOnce() async throws {
        try await Self.visit { visit in
            let call = Task { await visit.failure(of: "hang") }
            call.cancel()
            let error = await call.value
            #expect(error?.code == "cancelled")
        }
    }

    @Test func garbageBetweenTheMessagesIsNotedAndDropped() async throws {
        try await Self.visit("garbage") { visit in
            let sum = try await visit.call("add", ["a": 1, "b": 2])
            #expect(sum.text == "3")
            #expect(visit.log.has("no JSON on its standard output: debug: got initialize"))
        }
    }

    @Test func uselessToolsAreLeftOut() async throws {
        try await Self.visit("odd") { visit in
            #expect(visit.tools.map(\.name) == ["good"])
            #expect(visit.log.all.count { $0.contains("left out") } == 4)
        }
    }

    @Test func pagesWithoutEndHaveAnEnd() async throws {
        try await Self.visit("loop") { visit in #expect(visit.tools.count == 100) }
    }

    @Test(arguments: [
        ("silent", "has not answered `initialize`"), ("ends", "exit code 3; its last words: cannot go on"),
        ("old", "1999-01-01"),
    ])
    func aServerThatDoesNotComeUpBringsNothingAndSaysWhy(mode: String, reason: String) async throws {
        let patience: Duration = mode == "silent" ? .milliseconds(300) : .seconds(60)
        try await Self.visit(mode, change: { $0.startTimeout = patience }) { visit in
            #expect(visit.tools.isEmpty)
            #expect(visit.log.has(reason), "\(visit.log.all)")
        }
    }

    @Test(arguments: [
        "no-such-program-at-all", "yes '{'", "echo hello", "head -c 20000000 /dev/zero", "cat", "cat /dev/urandom",
    ])
    func whateverAProgramWritesItIsNoServer(command: String) async throws {
        let change = { (server: inout ForeignServer) in
            server.command = command
            server.startTimeout = .milliseconds(300)
        }
        try await Self.visit(change: change) { visit in
            #expect(visit.tools.isEmpty)
            #expect(visit.log.has("brings no tools"))
            let result = try await visit.workspace.exec(ExecRequest(argv: ["true"]))
            #expect(result.exitCode == 0)
        }
    }

    // MARK: Names

    @Test(arguments: [
        ("files=python3 /srv/files.py", "files", "python3 /srv/files.py"),
        ("python3 -u /srv/files.py --root x", "files", "python3 -u /srv/files.py --root x"),
        ("/opt/bin/weather-mcp", "weather-mcp", "/opt/bin/weather-mcp"),
        ("KEY=1 node dist/index.js", "index", "KEY=1 node dist/index.js"),
        ("PATH=/x=y", "server", "PATH=/x=y"),
    ])
    func aServerIsCalledAfterItsProgramUnlessItIsGivenAName(option: String, name: String, command: String) {
        let server = ForeignServer(option: option)
        #expect(server?.name == name)
        #expect(server?.command == command)
    }

    @Test(arguments: ["", "  ", "name=", "name= "]) func withoutACommandThereIsNoServer(option: String) {
        #expect(ForeignServer(option: option) == nil)
    }
}
