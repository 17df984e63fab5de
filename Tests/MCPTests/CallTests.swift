import JSON
import TestSupport
import Testing

@testable import MCP

/// Calls of tools over the protocol, each in a real workspace.
struct CallTests {
    @Test func aCallIsAnsweredWithTextAndStructureAndIsRecorded() async throws {
        let ending = try await Peer.play { peer in
            try await peer.initialize()
            await peer.shell(1, "echo out; echo err >&2")
            let result = try await peer.answer()["result"]
            #expect(result?["content"] == [["type": "text", "text": "out\nerr\n"]])
            #expect(result?["structuredContent"]?["exit_code"] == 0)
            #expect(result?["structuredContent"]?["stdout"] == "out\n")
            #expect(result?["structuredContent"]?["stderr"] == "err\n")
            #expect(result?["structuredContent"]?["wall_ms"]?.int != nil)
            #expect(result?["isError"] == nil)
        }
        let types = ending.events.map(\.type)
        #expect(types == ["tool_call", "exec", "tool_result", "end"])
        #expect(ending.events[1].payload["exit_code"] == 0)
        #expect(ending.events[2].payload["id"] == "1")
    }

    @Test func imagesComeAsImages() async throws {
        let painter = InlineTool(
            name: "paint",
            lua:
                "return { run = function() return { text = 'red', images = { { mime = 'image/png', data = 'AAAA' } } } end }"
        )
        try await Peer.play([painter]) { peer in
            try await peer.initialize()
            await peer.call(1, "paint", [:])
            let content = try await peer.answer()["result"]?["content"]
            #expect(
                content == [
                    ["type": "text", "text": "red"], ["type": "image", "data": "AAAA", "mimeType": "image/png"],
                ])
        }
    }

    @Test func aCommandThatFailsIsAnErrorThatTheModelSees() async throws {
        try await Peer.play { peer in
            try await peer.initialize()
            await peer.shell(1, "echo no >&2; exit 3")
            let result = try await peer.answer()["result"]
            #expect(result?["isError"] == true)
            #expect(result?["structuredContent"]?["exit_code"] == 3)
            #expect(result?["content"]?.array?.first?["text"] == "no\n")
        }
    }

    @Test func wrongArgumentsAreAnErrorThatTheModelSees() async throws {
        try await Peer.play { peer in
            try await peer.initialize()
            await peer.call(1, "shell", ["comand": "true"])
            let result = try await peer.answer()["result"]
            #expect(result?["isError"] == true)
            #expect(result?["structuredContent"]?["code"] == "invalid_args")
            #expect(result?["content"]?.array?.first?["text"]?.string?.contains("comand") == true)
        }
    }

    @Test func callsRunAtTheSameTime() async throws {
        try await Peer.play { peer in
            try await peer.initialize()
            // Each waits for the file that the other one makes.
            await peer.shell(1, "touch a; until test -e b; do sleep 0.01; done")
            await peer.shell(2, "touch b; until test -e a; do sleep 0.01; done")
            let answers = [try await peer.answer(), try await peer.answer()]
            #expect(Set(answers.map { $0["id"] ?? .null }) == [1, 2])
            #expect(answers.allSatisfy { $0["result"]?["isError"] == nil })
        }
    }

    @Test func aToolThatIsNotParallelRunsOneCallAfterAnother() async throws {
        var tool = InlineTool.shell
        tool.manifest["effects"] = ["parallel": false]
        try await Peer.play([tool]) { peer in
            try await peer.initialize()
            for id in 1...4 { await peer.shell(id, "mkdir lock && sleep 0.02 && rmdir lock") }
            for _ in 1...4 {
                let answer = try await peer.answer()
                #expect(answer["result"]?["isError"] == nil)
            }
        }
    }

    @Test func aCancelledCallIsNotAnsweredAndWhatItStartedIsGone() async throws {
        let ending = try await Peer.play { peer in
            try await peer.initialize()
            await peer.shell(1, "sleep 7001 & touch running; sleep 7002")
            await peer.shell(2, "until test -e running; do sleep 0.01; done")
            let second = try await peer.answer()
            #expect(second["id"] == 2)
            await peer.notify("notifications/cancelled", ["requestId": 1, "reason": "enough"])
            await peer.shell(
                3, "for i in $(seq 500); do ps ax | grep -q '[s]leep 700' || exit 0; sleep 0.01; done; exit 1")
            let third = try await peer.answer()
            #expect(third["id"] == 3)
            #expect(third["result"]?["isError"] == nil)
        }
        let results = ending.events.filter { $0.type == "tool_result" }
        #expect(results.count == 3)
        #expect(results.contains { $0.payload["error"]?["code"] == "cancelled" })
    }

    @Test func theEndOfTheInputEndsWhatRuns() async throws {
        let ending = try await Peer.play(options: { $0.grace = .milliseconds(1) }) { peer in
            try await peer.initialize()
            await peer.shell(1, "touch running; sleep 7003")
            await peer.shell(2, "until test -e running; do sleep 0.01; done")
            _ = try await peer.answer()
        }
        #expect(ending.ending == .inputClosed)
        #expect(ending.events.filter { $0.type == "tool_result" }.count == 2)
    }

    @Test func aShortCallIsAnsweredAfterTheEndOfTheInput() async throws {
        let ending = try await Peer.play(options: { $0.grace = .seconds(60) }) { peer in
            try await peer.initialize()
            await peer.shell(1, "sleep 0.05; echo done")
        }
        let result = try #require(ending.events.first { $0.type == "tool_result" })
        #expect(result.payload["text"] == "done\n")
    }

    @Test func progressIsToldUntilTheAnswerAndNotAfterIt() async throws {
        try await Peer.play { peer in
            try await peer.initialize()
            await peer.call(1, "shell", ["command": "until test -e go; do sleep 0.01; done"], progress: "token")
            var progress: [Double] = []
            func note(_ message: JSONValue) throws {
                guard message["method"] == "notifications/progress" else { return }
                #expect(message["params"]?["progressToken"] == "token")
                progress.append(try #require(message["params"]?["progress"]?.double))
            }
            while progress.count < 3 { try note(try await peer.next()) }
            await peer.shell(2, "touch go")
            var answered: Set<JSONValue> = []
            while answered.count < 2 {
                let message = try await peer.next()
                if answered.contains(1) { #expect(message["method"] == nil) }
                try note(message)
                if let id = message["id"] { answered.insert(id) }
            }
            #expect(zip(progress, progress.dropFirst()).allSatisfy { $0 < $1 })
            await peer.request(3, "ping")
            let pong = try await peer.next()
            #expect(pong["id"] == 3)
        }
    }

    @Test func anIdThatIsInUseIsRefused() async throws {
        try await Peer.play { peer in
            try await peer.initialize()
            await peer.shell(1, "until test -e go; do sleep 0.01; done")
            await peer.shell(1, "true")
            let refusal = try await peer.answer()
            #expect(refusal["error"]?["code"]?.int == RPCError.invalidRequest)
            await peer.shell(2, "touch go")
            _ = try await peer.answer()
            _ = try await peer.answer()
            await peer.shell(1, "echo again")
            let again = try await peer.answer()
            #expect(again["result"]?["content"]?.array?.first?["text"] == "again\n")
        }
    }

    @Test func moreCallsThanAllowedAreRefused() async throws {
        try await Peer.play(options: { $0.mostCalls = 2 }) { peer in
            try await peer.initialize()
            for id in 1...3 { await peer.shell(id, "until test -e go; do sleep 0.01; done") }
            let refusal = try await peer.answer()
            #expect(refusal["id"] == 3)
            #expect(refusal["error"]?["code"]?.int == RPCError.busy)
            await peer.notify("notifications/cancelled", ["requestId": 1])
            await peer.notify("notifications/cancelled", ["requestId": 2])
        }
    }

    // MARK: Lists

    private static let measured = InlineTool(
        name: "measure",
        manifest: [
            "effects": ["writes": false, "idempotent": true, "network": true],
            "parameters": ["type": "object", "properties": ["fail": ["type": "boolean", "default": false]]],
            "returns": [
                "type": "object", "required": ["text", "details"],
                "properties": [
                    "text": ["type": "string"], "failed": ["type": "boolean"],
                    "details": [
                        "type": "object", "required": ["size"], "properties": ["size": ["type": "integer"]],
                    ],
                ],
            ],
        ],
        lua: """
            return { run = function(args, ctx)
              if args.fail then return ctx.fail("not_found", "there is nothing to measure") end
              return { text = "3", details = { size = 3 } }
            end }
            """)

    @Test func aPromisedStructureIsListedAndKeptAndLeftOutOfErrors() async throws {
        try await Peer.play([Self.measured]) { peer in
            try await peer.initialize()
            await peer.request(1, "tools/list")
            let tool = try #require(try await peer.answer()["result"]?["tools"]?.array?.first)
            #expect(tool["outputSchema"]?["required"] == ["size"])
            #expect(tool["inputSchema"]?["type"] == "object")
            #expect(
                tool["annotations"] == ["readOnlyHint": true, "idempotentHint": true, "openWorldHint": false])
            await peer.call(2, "measure", [:])
            let result = try await peer.answer()["result"]
            #expect(result?["structuredContent"] == ["size": 3])
            await peer.call(3, "measure", ["fail": true])
            let failure = try await peer.answer()["result"]
            #expect(failure?["isError"] == true)
            #expect(failure?["structuredContent"] == nil)
            #expect(failure?["content"]?.array?.first?["text"]?.string?.contains("nothing to measure") == true)
        }
    }

    @Test func oldVersionsGetNothingThatTheyDoNotKnow() async throws {
        try await Peer.play([Self.measured]) { peer in
            try await peer.initialize("2024-11-05")
            await peer.request(1, "tools/list")
            let tool = try #require(try await peer.answer()["result"]?["tools"]?.array?.first)
            #expect(tool.object?.keys == ["name", "description", "inputSchema"])
            await peer.call(2, "measure", [:])
            let result = try await peer.answer()["result"]
            #expect(result?["structuredContent"] == nil)
        }
    }

    @Test func linesOfTheLogComeToClientsThatWantTheirLevel() async throws {
        try await Peer.play { peer in
            await peer.server.log("error", "before there is a session", logger: "t")
            try await peer.initialize()
            await peer.server.log("info", "too low", logger: "t")
            await peer.server.log("warn", "careful", logger: "t")
            let warning = try await peer.next()
            #expect(warning["method"] == "notifications/message")
            #expect(warning["params"] == ["level": "warning", "logger": "t", "data": "careful"])
            await peer.request(1, "logging/setLevel", ["level": "debug"])
            _ = try await peer.answer()
            await peer.server.log("info", "heard", logger: "t")
            let line = try await peer.next()
            #expect(line["params"]?["data"] == "heard")
        }
    }
}
