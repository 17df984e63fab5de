import JSON
import Synchronization
import TestSupport
import Testing

@testable import Lua
@testable import Plugins

/// Worker processes that are not what they should be: the call fails with `worker_died`, or with its time, and the next
/// plugin works.
@Suite struct WorkerTests {
    /// A plugin whose worker is a shell that prints these bytes, as printf takes them.
    private func ending(_ script: String, wall: Int = 20_000) async -> Ending {
        let workers = PluginWorkers(command: ["/bin/sh", "-c", script])
        defer { Task { await workers.shutdown() } }
        do {
            let (catalog, _) = try Arena.catalog([
                "plugin.json": Arena.manifest(["limits": ["wall_ms": .int(wall)]]),
                "main.lua": Array("return { run = function() return 1 end }".utf8),
            ])
            var plugin = try catalog.plugin(kind: .tool, named: "hostile")
            plugin.engine = .worker(workers)
            let instance = try await PluginInstance(plugin, host: HostServices(), seed: 1)
            return await Ending(instance)
        } catch let error as PluginError {
            return .error(error)
        } catch {
            return .value(.string("\(error)"))
        }
    }

    /// "DONE" with nothing: what opening and loading want to hear.
    private static let done = #"\022\0\0\0\100\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"#

    static let scripts: [(String, String)] = [
        ("a worker that dies at once", "exit 1"),
        ("a worker that dies by a signal", "kill -SEGV $$"),
        ("a worker that dies in the middle of a frame", #"printf '\100\0\0\0\100abc'"#),
        ("a worker that writes text", "echo hello; sleep 1000"),
        ("a worker that writes noise", "head -c 100000 /dev/urandom; sleep 1000"),
        ("a frame of no bytes", #"printf '\0\0\0\0'; sleep 1000"#),
        ("a frame of four gigabytes", #"printf '\377\377\377\377\100'; sleep 1000"#),
        ("a frame of an unknown kind", #"printf '\001\0\0\0\001'; sleep 1000"#),
        ("a frame without its value", #"printf '\021\0\0\0\100\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'; sleep 1000"#),
        ("a value of an unknown type", #"printf '\022\0\0\0\100\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\372'; sleep 1000"#),
        (
            "an array that claims four billion elements",
            #"printf '\026\0\0\0\100\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\006\377\377\377\377'; sleep 1000"#
        ),
        (
            "a text that claims four gigabytes",
            #"printf '\026\0\0\0\100\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\005\377\377\377\377'; sleep 1000"#
        ),
        (
            "a value nested without end",
            #"printf '\364\001\0\0\100\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'; i=0; while [ $i -lt 100 ]; do printf '\006\001\0\0\0'; i=$((i+1)); done; sleep 1000"#
        ),
        ("an answer to another question", #"printf '\002\0\0\0\104\001'; sleep 1000"#),
        ("two answers to one question", "printf '\(done)\(done)\(done)\(done)'; sleep 1000"),
        (
            "a call of a host function that is not there",
            #"printf '\012\0\0\0\102\377\377\0\0\006\0\0\0\0'; sleep 1000"#
        ),
        ("output without end", "exec cat /dev/zero"),
        ("answers without end", "while :; do printf '\(done)'; done"),
    ]

    @Test(arguments: scripts) func `A worker that misbehaves costs its call and nothing else`(
        _ attack: (name: String, script: String)
    ) async throws {
        let ending = await ending(attack.script)
        #expect(Score.note(attack.name, ending.code == "worker_died"), "\(ending)")
    }

    @Test func `A worker that hangs is killed when the time is up`() async throws {
        let channel = Hanging()
        let lua = LuaWorker(name: "hangs", patience: .milliseconds(100)) { () async throws(LuaError) in channel }
        let error = await #expect(throws: LuaError.self) { try await lua.load(Array("return {}".utf8), chunk: "x") }
        #expect(Score.note("a worker that hangs", error?.kind == .limit(.wall)))
        let cancelled = Task { () async -> LuaError.Kind? in
            do throws(LuaError) {
                _ = try await LuaWorker(name: "hangs", connect: { () async throws(LuaError) in Hanging() }).has("x")
            } catch {
                return error.kind
            }
            return nil
        }
        cancelled.cancel()
        #expect(Score.note("a worker that hangs when nobody waits any more", await cancelled.value == .cancelled))
    }

    @Test func `After its worker was killed a plugin starts afresh`() async throws {
        let line = Lines()
        let lua = LuaWorker(name: "killed") { () async throws(LuaError) in
            let channel = try await Arena.workers.connect(memory: 1 << 20)
            line.add(channel)
            return channel
        }
        try await lua.load(Array("local n = 0 return { count = function() n = n + 1 return n end }".utf8), chunk: "x")
        #expect(try await lua.call("count") == 1)
        #expect(try await lua.call("count") == 2)
        line.killAll()
        var kind: LuaError.Kind?
        while kind == nil {  // the kill is on its way; calls that are faster are still answered
            do throws(LuaError) { _ = try await lua.call("count") } catch { kind = error.kind }
        }
        #expect(kind == .workerDied)
        let again = try await lua.call("count")
        #expect(Score.note("a worker that is killed", again == 1))
    }

    @Test func `A worker cannot go on with a call that the host has ended`() async throws {
        let stop = LuaHostFunction.immediate("stop") { _ throws(LuaHostError) in
            throw LuaHostError("limit", "enough", endsCall: true)
        }
        let ask: [UInt8] = [10, 0, 0, 0, 66, 0, 0, 0, 0, 6, 0, 0, 0, 0]
        let lua = LuaWorker(name: "goes on", host: [stop]) { () async throws(LuaError) in Answering(with: ask) }
        let error = await #expect(throws: LuaError.self) { try await lua.load(Array("return {}".utf8), chunk: "x") }
        #expect(Score.note("a call that the host has ended", error?.kind == .workerDied))
    }

    // MARK: Fuzzing

    /// Whatever bytes come, in whatever pieces, there is a frame, an error, or the wish for more.
    @Test(arguments: 0..<8) func `Any bytes are frames or an error`(_ seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        for _ in 0..<400 {
            var bytes = Self.frame(&random)
            for _ in 0..<Int.random(in: 0..<6, using: &random) where !bytes.isEmpty {
                bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: .min ... .max, using: &random)
            }
            var parser = WorkerFrameParser(limit: 1 << 16)
            var rest = bytes[...]
            parsing: while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...40, using: &random))
                rest = rest.dropFirst(piece.count)
                parser.append(Array(piece))
                do throws(WorkerFrameError) { while try parser.next() != nil {} } catch { break parsing }
            }
        }
        #expect(Score.note("noise for the host's parser", true))
    }

    private static func frame(_ random: inout SplitMix) -> [UInt8] {
        let value = TapeWriter.value(["key": [1, 2.5, true, "text", []], "other": ["a": "b"]])
        let heads: [[UInt8]] = [
            [64] + [UInt8](repeating: 0, count: 16), [65] + [UInt8](repeating: 0, count: 32), [66, 1, 0, 0, 0],
            [67, 1, 0, 0, 0], [68, 1],
        ]
        let content = (heads.randomElement(using: &random) ?? []) + value
        return withUnsafeBytes(of: UInt32(content.count).littleEndian, Array.init) + content
    }

    /// Requests that no host writes: the worker answers or ends, and what it writes are frames.
    @Test(arguments: 0..<12) func `A worker that is sent noise answers in frames or ends`(_ seed: Int) async throws {
        var random = SplitMix(seed: UInt64(100 + seed))
        let channel = try await Arena.workers.connect(memory: 1 << 20)
        var requests = WorkerRequest.open(LuaLimits(), seed: 1, host: [.immediate("f") { _ in .null }])
        requests += WorkerRequest.load(Array("return { f = function(x) return x end }".utf8), chunk: "x")
        let start = requests.count
        for _ in 0..<20 { requests += WorkerRequest.call("f", ["text", [1, 2], ["a": 1]], context: false) }
        for _ in 0..<Int.random(in: 1..<8, using: &random) {
            requests[Int.random(in: start..<requests.count, using: &random)] = .random(
                in: .min ... .max, using: &random)
        }
        _ = await channel.send(requests)
        (channel as? WorkerJob)?.finishInput()
        var parser = WorkerFrameParser(limit: 1 << 20)
        var isWellFormed = true
        while let bytes = await channel.receive() {
            parser.append(bytes)
            do throws(WorkerFrameError) { while try parser.next() != nil {} } catch { isWellFormed = false }
        }
        channel.kill()
        #expect(Score.note("noise for the worker", isWellFormed))
    }
}

/// Never says anything.
private final class Hanging: LuaWorkerChannel {
    private let state = Mutex<(isKilled: Bool, waiting: CheckedContinuation<[UInt8]?, Never>?)>((false, nil))

    func send(_ bytes: [UInt8]) async -> Bool { true }

    func receive() async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            let isKilled = state.withLock { state in
                if !state.isKilled { state.waiting = continuation }
                return state.isKilled
            }
            if isKilled { continuation.resume(returning: nil) }
        }
    }

    func kill() {
        let waiting = state.withLock { state in
            state.isKilled = true
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume(returning: nil)
    }
}

/// Says the same whatever it is told.
private final class Answering: LuaWorkerChannel {
    private let bytes: [UInt8]
    init(with bytes: [UInt8]) { self.bytes = bytes }
    func send(_ bytes: [UInt8]) async -> Bool { true }
    func receive() async -> [UInt8]? { bytes }
    func kill() {}
}

private final class Lines: Sendable {
    private let channels = Mutex<[any LuaWorkerChannel]>([])
    func add(_ channel: any LuaWorkerChannel) { channels.withLock { $0.append(channel) } }
    func killAll() { for channel in channels.withLock({ $0 }) { channel.kill() } }
}
