import JSON
import Models
import TestSupport
import Testing
import Trace
import Workspaces

@testable import Dialogue

/// Shipped tools that need a real workspace: jobs and terminals, memory, images, speech, calls at the same time.
struct LocalToolTests {
    @Test func `A command in the background is polled, written to and killed`() async throws {
        try await ToolRoom.with { room in
            let started = try await room.call(
                "exec", ["command": "while read l; do echo got $l; done", "background": true])
            #expect(started.text.contains("Command still running (session job-1, pid"))
            let answer1 = try await room.call("process", ["action": "write", "sessionId": "job-1", "data": "one\n"])
            #expect(answer1.ok)
            let polled = try await room.call("process", ["action": "poll", "sessionId": "job-1", "timeout": 20000])
            #expect(polled.text.contains("got one") && polled.text.contains("still running"))
            let again = try await room.call("process", ["action": "poll", "sessionId": "job-1"])
            #expect(again.text.contains("(no new output)"))
            let answer2 = try await room.call("process", ["action": "list"])
            #expect(answer2.text.contains("job-1  running"))
            let killed = try await room.call("process", ["action": "kill", "sessionId": "job-1"])
            #expect(killed.text.contains("Killed job-1"))
            let answer3 = try await room.call("process", ["action": "poll", "sessionId": "job-9"])
            #expect(answer3.errorCode == "not_found")
            let exec = try #require(room.trace.events(.exec).first { $0["job"] == "job-1" })
            #expect(exec["ended_by"] == "cancelled")
            #expect(try room.trace.events(.hostCall).contains { $0["function"] == "ws.start" })
        }
    }

    @Test func `A command that outlasts its patience yields, and its end is found`() async throws {
        try await ToolRoom.with { room in
            let yielded = try await room.call(
                "exec", ["command": "echo first; read x < gate; echo last; exit 3", "yieldMs": 10000])
            // Without the gate the command fails at once: no waiting here, only the facts of an end.
            #expect(yielded.exitCode == 3)
            _ = try await room.call("exec", ["command": "mkfifo gate"])
            let waiting = try await room.call(
                "exec", ["command": "echo first; read x < gate; echo last; exit 3", "yieldMs": 200])
            #expect(waiting.details?["status"] == "running")
            _ = try await room.call("exec", ["command": "echo go > gate"])
            var end = try await room.call("process", ["action": "poll", "sessionId": "job-1", "timeout": 20000])
            while end.details?["running"] == true {
                end = try await room.call("process", ["action": "poll", "sessionId": "job-1", "timeout": 20000])
            }
            #expect(end.details?["exit_code"] == 3)
            let log = try await room.call("process", ["action": "log", "sessionId": "job-1"])
            #expect(log.text.contains("last"))
            #expect(log.text.contains("lines 1-2 of 2"))
        }
    }

    @Test func `A program in a terminal is typed at`() async throws {
        try await ToolRoom.with { room in
            _ = try await room.call(
                "exec",
                ["command": "test -t 0 && echo terminal; read line; echo \"<$line>\"", "pty": true, "background": true])
            _ = try await room.call("process", ["action": "send-keys", "sessionId": "job-1", "literal": "hello"])
            _ = try await room.call("process", ["action": "submit", "sessionId": "job-1"])
            var text = ""
            while !text.contains("Process ended") {
                text += try await room.call("process", ["action": "poll", "sessionId": "job-1", "timeout": 5000]).text
            }
            #expect(text.contains("terminal"))
            #expect(text.contains("<hello>"))
        }
    }

    @Test func `Memory is searched by words, and by meaning where there is a model`() async throws {
        let notes = "# People\nAda signs the invoices.\n\n# Places\nThe archive is in Zurich.\n"
        try await ToolRoom.with { room in
            let answer4 = try await room.call("memory_search", ["query": "invoice"])
            #expect(answer4.text.contains("no memory files"))
            try await room.write("MEMORY.md", notes)
            try await room.write("memory/2026-01-01.md", "Talked about lunch.\n")
            let found = try await room.call("memory_search", ["query": "who signs invoices"])
            #expect(found.text.hasPrefix("MEMORY.md, lines 1-3"), "\(found.text)")
            let lines = try await room.call("memory_get", ["path": "MEMORY.md", "from": 4, "lines": 2])
            #expect(lines.text.hasPrefix("# Places\nThe archive is in Zurich."))
            let answer5 = try await room.call("memory_get", ["path": "/etc/passwd"])
            #expect(answer5.errorCode == "not_found")
            #expect(try room.trace.events(.hostCall).contains { $0["function"] == "memory.search" })
        }
        // An embedding model that finds "lunch" near to everything.
        try await ScriptedChatServer.with(responding: { _, request in
            let texts = request.json?["input"]?.array?.compactMap(\.string) ?? []
            let data = texts.enumerated().map { index, text -> JSONValue in
                ["index": .int(index), "embedding": text.contains("lunch") || index == 0 ? [1, 0] : [0, 1]]
            }
            return .json(["data": .array(data)])
        }) { server in
            var resources = ToolResources()
            resources.embeddings = EmbeddingClient(
                settings: ChatSettings(url: server.url, model: "small"), http: try HTTPClient())
            try await ToolRoom.with(resources: resources) { room in
                try await room.write("MEMORY.md", notes)
                try await room.write("memory/2026-01-01.md", "Talked about lunch.\n")
                let found = try await room.call("memory_search", ["query": "a meal at noon"])
                #expect(found.details?["results"]?.array?.first?["path"] == "memory/2026-01-01.md", "\(found.text)")
                #expect(found.details?["mode"] == "words and meaning")
                #expect(try room.trace.events(.modelRequest).first?["role"] == "embed")
            }
        }
    }

    private static let pixel: [UInt8] = [
        0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0x0D, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0, 1,
        8, 6, 0, 0, 0, 0x1F, 0x15, 0xC4, 0x89,
    ]

    @Test func `An image is attached for an agent that sees, and only named for one that does not`() async throws {
        for sees in [true, false] {
            var resources = ToolResources()
            resources.agentSeesImages = sees
            try await ToolRoom.with(resources: resources) { room in
                try await room.workspace.write("dot.png", Self.pixel)
                let result = try await room.call("read", ["path": "dot.png"])
                #expect(result.text.contains("image/png, 1x1 pixels"))
                #expect(result.text.contains("not shown") == !sees)
                #expect(result.images.first?.data.hasPrefix("iVBORw0KGgo") == true)
                #expect(try room.trace.events(.toolResult)[0]["images"]?.array?.count == 1)
            }
        }
    }

    @Test func `A vision model is asked about an image; without one that is said`() async throws {
        try await ToolRoom.with { room in
            try await room.workspace.write("dot.png", Self.pixel)
            let answer6 = try await room.call("image", ["image": "dot.png"])
            #expect(answer6.errorCode == "no_model")
        }
        try await ScriptedChatServer.with(answers: [.says("A dot.")]) { server in
            var resources = ToolResources()
            resources.model = ChatClient(settings: ChatSettings(url: server.url, model: "eye"), http: try HTTPClient())
            try await ToolRoom.with(resources: resources) { room in
                try await room.workspace.write("dot.png", Self.pixel)
                try await room.write("not.png", "text")
                let result = try await room.call("image", ["image": "dot.png", "prompt": "What is it?"])
                #expect(result.text == "A dot.")
                let content = server.requests.first?.json?["messages"]?.array?.first?["content"]
                #expect(
                    content?.array?.last?["image_url"]?["url"]?.string?.hasPrefix("data:image/png;base64,iVBOR") == true
                )
                #expect(try room.trace.events(.modelRequest).first?["role"] == "tool")
                let answer7 = try await room.call("image", ["image": "not.png"])
                #expect(answer7.errorCode == "unsupported_content")
            }
        }
    }

    @Test func `Speech is a real file where there is a voice, and an honest error where there is none`() async throws {
        try await ToolRoom.with { room in
            let hasVoice =
                try await room.workspace.exec(ExecRequest(argv: ["sh", "-c", "command -v espeak-ng"])).exitCode == 0
            let result = try await room.call("tts", ["text": "The backup is complete."])
            if hasVoice {
                #expect(result.ok, "\(result.text)")
                let audio = try await room.workspace.read("audio/speech-1.wav")
                #expect(audio.starts(with: Array("RIFF".utf8)) && audio.count > 10_000)
            } else {
                #expect(result.errorCode == "missing_program")
            }
        }
    }

    // MARK: At the same time

    @Test func `Calls whose tools allow it run at the same time, and their results keep their order`() async throws {
        // Each waits for the other: one after another they would never end.
        let source = InlinePlugins.Source(
            "tool", "meet",
            [
                "effects": ["parallel": true], "permissions": ["exec": ["*"], "fs": [["path": "**", "mode": "rw"]]],
                "parameters": [
                    "type": "object", "properties": ["own": ["type": "string"], "other": ["type": "string"]],
                ],
            ],
            """
            return { run = function(args)
              ws.write(args.own, "here")
              local r = ws.exec({ "sh", "-c", "until test -e " .. args.other .. "; do sleep 0.02; done" }, { timeout_ms = 60000 })
              return { text = args.own .. " met " .. args.other, failed = r.code ~= 0 }
            end }
            """)
        try await withWorkspace { workspace in
            let plugins = try InlinePlugins([source])
            let trace = try TestTrace()
            let provision = Provision(workspace: workspace, resources: ToolResources(), trace: trace.writer)
            let stage = PluginStage(seed: 1, id: "t", trace: trace.writer)
            let dispatcher = ToolDispatcher(
                tools: [stage.tool(try plugins.plugin(.tool, "meet"), provision)], trace: trace.writer,
                hostCalls: HostCallLog())
            let calls = [("a", "b"), ("b", "a")].map { own, other in
                let arguments: JSONValue = ["own": .string(own), "other": .string(other)]
                return IdentifiedCall(id: own, call: ProposedCall(name: "meet", arguments: arguments.compact))
            }
            #expect(dispatcher.areParallel(calls))
            #expect(!dispatcher.areParallel([calls[0]]))
            let results = try await dispatcher.answer(together: calls, turn: 1, parent: nil)
            #expect(results.map(\.text) == ["a met b", "b met a"])
            let called = try trace.events(.toolCall).map(\.sequence)
            #expect(try trace.events(.toolResult).map(\.parent) == called)
            #expect(try trace.events(.exec).map(\.parent) == called)
        }
    }
}
