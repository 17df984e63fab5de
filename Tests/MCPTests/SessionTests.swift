import JSON
import TestSupport
import Testing

@testable import MCP

/// The rules of the protocol, played by hand over pipes.
struct SessionTests {
    private static func code(_ answer: JSONValue) -> Int? { answer["error"]?["code"]?.int }

    @Test(arguments: [
        ("2024-11-05", "2024-11-05"), ("2025-03-26", "2025-03-26"), ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"), ("2099-01-01", "2025-11-25"), ("", "2025-11-25"),
    ])
    func theVersionIsTheClientsWhenItIsKnownAndTheLatestOtherwise(asked: String, given: String) async throws {
        try await Peer.play { peer in
            let result = try await peer.initialize(asked)
            #expect(result["protocolVersion"]?.string == given)
            #expect(result["serverInfo"]?["name"] == "ise")
            #expect(result["capabilities"]?["tools"] != nil)
            #expect(result["instructions"] == "Be careful.")
        }
    }

    @Test func aSessionBeginsWithInitializeAndHasOne() async throws {
        try await Peer.play { peer in
            await peer.request(1, "ping")
            let pong = try await peer.next()
            #expect(pong["result"] == [:])
            for (id, method) in [(2, "tools/list"), (3, "tools/call"), (4, "logging/setLevel")] {
                await peer.request(id, method)
                let refused = try await peer.next()
                #expect(Self.code(refused) == RPCError.invalidRequest)
            }
            await peer.request(5, "server/discover")
            let unknown = try await peer.next()
            #expect(Self.code(unknown) == RPCError.methodNotFound)
            await peer.request(6, "initialize")
            let incomplete = try await peer.next()
            #expect(Self.code(incomplete) == RPCError.invalidParams)
            try await peer.initialize()
            await peer.request(7, "initialize", ["protocolVersion": "2025-11-25"])
            let again = try await peer.next()
            #expect(Self.code(again) == RPCError.invalidRequest)
        }
    }

    @Test(arguments: [
        (#"{"jsonrpc":"2.0","id":1"#, -32700, JSONValue.null),
        ("not json", -32700, .null),
        ("{\"a\":\u{1}}", -32700, .null),
        (#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, -32700, .null),
        (String(repeating: "[", count: 5000), -32700, .null),
        ("17", -32600, .null),
        ("\"ping\"", -32600, .null),
        (#"{"id":1,"method":"ping"}"#, -32600, 1),
        (#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#, -32600, "a"),
        (#"{"jsonrpc":"2.0","id":1}"#, -32600, 1),
        (#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600, 1),
        (#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600, .null),
        (#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600, .null),
        (#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, -32600, .null),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, -32600, 1),
        (#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#, -32601, 1),
        (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}"#, -32602, 1),
        (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}"#, -32602, 1),
        (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"shel"}}"#, -32602, 1),
        (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"shell","arguments":[]}}"#, -32602, 1),
        (#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}}"#, -32602, 1),
        (#"{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"loud"}}"#, -32602, 1),
        ("[]", -32600, .null),
        (#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600, .null),
    ])
    func aFaultyMessageIsAnsweredWithItsCodeAndTheSessionGoesOn(text: String, code: Int, id: JSONValue) async throws {
        try await Peer.play { peer in
            try await peer.initialize()
            await peer.send(raw: text + "\n")
            let answer = try await peer.next()
            #expect(Self.code(answer) == code)
            #expect(answer["id"] == id)
            await peer.request(9, "ping")
            let pong = try await peer.next()
            #expect(pong == ["jsonrpc": "2.0", "id": 9, "result": [:]])
        }
    }

    @Test func whatNeedsNoAnswerGetsNone() async throws {
        try await Peer.play { peer in
            try await peer.initialize()
            await peer.send(raw: "\n  \n\r\n")
            await peer.notify("notifications/unheard-of")
            await peer.notify("notifications/cancelled", ["requestId": 77])
            await peer.notify("notifications/cancelled")
            await peer.send(["jsonrpc": "2.0", "id": 5, "result": [:]])
            await peer.send(["jsonrpc": "2.0", "id": 6, "error": ["code": -1, "message": "no"]])
            await peer.send(raw: #"{"jsonrpc":"2.0","id":"last","method":"ping"}"# + "\r\n")
            let pong = try await peer.next()
            #expect(pong["id"] == "last")
        }
    }

    @Test func aMessageThatIsTooLongIsDroppedAndTheNextIsRead() async throws {
        try await Peer.play(longestMessage: 10_000) { peer in
            try await peer.initialize()
            let text = String(repeating: "x", count: 200_000)
            await peer.send(["jsonrpc": "2.0", "id": 1, "method": "ping", "params": ["text": .string(text)]])
            await peer.request(2, "ping")
            let refusal = try await peer.next()
            #expect(Self.code(refusal) == RPCError.invalidRequest)
            #expect(refusal["id"] == .null)
            let pong = try await peer.next()
            #expect(pong["id"] == 2)
        }
    }

    @Test func oldVersionsKnowArraysOfMessages() async throws {
        try await Peer.play { peer in
            try await peer.initialize("2025-03-26")
            await peer.send([
                ["jsonrpc": "2.0", "id": 1, "method": "ping"],
                ["jsonrpc": "2.0", "method": "notifications/unheard-of"],
                [
                    "jsonrpc": "2.0", "id": 2, "method": "tools/call",
                    "params": ["name": "shell", "arguments": ["command": "echo two"]],
                ],
                17,
                [
                    "jsonrpc": "2.0", "id": 3, "method": "tools/call",
                    "params": ["name": "shell", "arguments": ["command": "echo three"]],
                ],
            ])
            let answer = try await peer.next()
            let answers = try #require(answer.array)
            #expect(answers.count == 4)
            #expect(Set(answers.map { $0["id"] ?? .null }) == [1, 2, 3, .null])
            let texts = answers.compactMap { $0["result"]?["content"]?.array?.first?["text"]?.string }
            #expect(Set(texts) == ["two\n", "three\n"])
            await peer.send([["jsonrpc": "2.0", "method": "notifications/unheard-of"]])
            await peer.send([])
            let empty = try await peer.next()
            #expect(Self.code(empty) == RPCError.invalidRequest)
        }
    }

    @Test func whatStandsBeforeTheEndOfTheInputIsAMessageAlsoWithoutALineBreak() async throws {
        let ending = try await Peer.play { peer in
            try await peer.initialize()
            await peer.send(raw: #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"na"#)
        }
        #expect(ending.ending == .inputClosed)
        #expect(ending.notes.contains { $0.contains("no JSON") })
        #expect(ending.events.last?.type == "end")
    }

    @Test func aClientThatReadsNoMoreEndsTheSession() async throws {
        let ending = try await Peer.play { peer in
            try await peer.initialize()
            peer.stopReading()
            await peer.request(1, "ping")
            await peer.request(2, "ping")
        }
        #expect(ending.ending == .outputClosed)
    }

    @Test func noBytesBringTheServerDown() async throws {
        var random = SplitMix(seed: 7)
        let seeds = [
            #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"shell","arguments":{"command":"true"}}}"#,
            #"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/cancelled"}]"#,
            #"{"jsonrpc":"2.0","id":"x","method":"tools/list","params":{"cursor":null,"_meta":{"progressToken":[]}}}"#,
            #"{"jsonrpc":"2.0","id":1,"error":{"code":"x"}}"#,
        ]
        var lines: [String] = []
        for _ in 0..<400 {
            var bytes = Array(seeds[Int.random(in: 0..<seeds.count, using: &random)].utf8)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.insert(contentsOf: bytes[..<index], at: index)
                }
            }
            lines.append(String(decoding: bytes.filter { $0 != 0x0A }, as: UTF8.self))
        }
        let text = lines.joined(separator: "\n")
        try await Peer.play { peer in
            try await peer.initialize()
            async let answers = Self.answers(of: peer, until: "the end")
            await peer.send(raw: text + "\n" + #"{"jsonrpc":"2.0","id":"the end","method":"ping"}"# + "\n")
            let last = try await answers
            #expect(last["result"] == [:])
        }
    }

    private static func answers(of peer: Peer, until id: JSONValue) async throws -> JSONValue {
        while true {
            let message = try await peer.next()
            if message["id"] == id { return message }
        }
    }
}
