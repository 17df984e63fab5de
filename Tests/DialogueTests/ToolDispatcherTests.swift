import JSON
import Plugins
import TestSupport
import Testing
import Trace

@testable import Dialogue

/// Calls as models write them, tools as plugin authors break them.
struct ToolDispatcherTests {
    private static let parameters: JSONValue = [
        "parameters": [
            "type": "object",
            "properties": ["text": ["type": "string"], "times": ["type": "integer", "default": 1]],
            "required": ["text"],
        ]
    ]

    private static let tools = [
        InlinePlugins.Source(
            "tool", "echo", parameters,
            """
            return { run = function(args) return { text = args.text:rep(args.times), details = { n = args.times } } end }
            """),
        InlinePlugins.Source(
            "tool", "refuse", "return { run = function() return { text = 'no such line', failed = true } end }"),
        InlinePlugins.Source(
            "tool", "fail",
            "return { run = function(args, ctx) return ctx.fail('not_found', 'no such thing', {n = 1}) end }"),
        InlinePlugins.Source(
            "tool", "crash", "return { run = function(args) local t = nil\n return { text = t.secret_name } end }"),
        InlinePlugins.Source(
            "tool", "endless", ["limits": ["cpu_ms": 50]], "return { run = function() while true do end end }"),
        InlinePlugins.Source("tool", "silent", "return { run = function() return { details = {} } end }"),
        InlinePlugins.Source("tool", "long", "return { run = function() return { text = ('x'):rep(100000) } end }"),
        InlinePlugins.Source(
            "tool", "chatty", "return { run = function() log.warn('careful', {a = 1}) return { text = 'ok' } end }"),
    ]

    /// Answers one call after another; checks that the trace has one call and one result for each.
    private func answer(_ calls: (name: String, arguments: String)...) async throws -> (
        results: [ToolResult], TestTrace
    ) {
        let plugins = try InlinePlugins(Self.tools)
        let trace = try TestTrace()
        var tools: [ToolDispatcher.Tool] = []
        for source in Self.tools {
            let plugin = try plugins.plugin(.tool, source.name)
            let log = HostCallLog()
            var services = HostServices()
            services.onLog = { log.append(.log(level: $0, text: $1, fields: $2, plugin: source.name)) }
            let instance = try await PluginInstance(plugin, host: services, seed: 1)
            let instances = ToolInstances(first: ToolInstances.Started(instance: instance, log: log))
            tools.append(ToolDispatcher.Tool(plugin: plugin, instances: instances))
        }
        let dispatcher = ToolDispatcher(tools: tools, trace: trace.writer, hostCalls: HostCallLog())
        var results: [ToolResult] = []
        for (index, call) in calls.enumerated() {
            let call = ProposedCall(name: call.name, arguments: call.arguments)
            results.append(
                try await dispatcher.answer(IdentifiedCall(id: "call_\(index)", call: call), turn: 1, parent: nil))
        }
        let called = try trace.events(.toolCall)
        let answered = try trace.events(.toolResult)
        #expect(called.count == calls.count)
        #expect(answered.map(\.parent) == called.map(\.sequence))
        return (results, trace)
    }

    @Test func `A good call gets its text, with defaults filled in`() async throws {
        let (results, trace) = try await answer(("echo", #"{"text":"ab"}"#), ("echo", #"{"text":"ab","times":2}"#))
        #expect(results.map(\.text) == ["ab", "abab"])
        #expect(results.allSatisfy { $0.ok && $0.error == nil })
        #expect(results[1].details?["n"] == 2)
        #expect(try trace.events(.toolCall)[0]["arguments"] == ["text": "ab"])
    }

    @Test func `A call that the world refuses is a failure without an error`() async throws {
        let (results, trace) = try await answer(("refuse", "{}"))
        #expect(!results[0].ok)
        #expect(results[0].error == nil)
        #expect(results[0].text == "no such line")
        #expect(try trace.events(.toolResult)[0]["failed"] == true)
    }

    @Test func `An unknown tool is answered with the tools there are`() async throws {
        let (results, _) = try await answer(("ecko", "{}"), ("zzzzzzzzzzz", "{}"), ("", "{}"))
        #expect(results.allSatisfy { $0.errorCode == "unknown_tool" })
        #expect(results[0].text.contains("Did you mean `echo`?"))
        #expect(results[0].text.contains("echo, refuse, fail, crash, endless, silent, long, chatty"))
        #expect(!results[1].text.contains("Did you mean"))
    }

    @Test func `Broken JSON is answered with where it breaks`() async throws {
        let (results, trace) = try await answer(("echo", #"{"text": "ab""#), ("echo", "[1]"), ("echo", "null"))
        #expect(results.allSatisfy { $0.errorCode == "invalid_json" })
        #expect(results[0].text.contains("line 1, column 14"))
        #expect(results[1].text.contains("array"))
        #expect(try trace.events(.toolCall)[0]["arguments"] == #"{"text": "ab""#)
    }

    @Test func `No arguments at all are an empty object`() async throws {
        let (results, _) = try await answer(("refuse", ""), ("echo", "  "))
        #expect(results[0].text == "no such line")
        #expect(results[1].errorCode == "invalid_args")
    }

    @Test func `Arguments that do not fit are answered with every fault`() async throws {
        let (results, _) = try await answer(("echo", #"{"txt":"ab","times":"two"}"#))
        #expect(results[0].errorCode == "invalid_args")
        for part in ["txt", "times", "text"] { #expect(results[0].text.contains(part)) }
    }

    @Test func `What a plugin says on purpose reaches the model`() async throws {
        let (results, trace) = try await answer(("fail", "{}"))
        #expect(results[0].text == "Error: not_found: no such thing")
        #expect(try trace.events(.toolResult)[0]["error"]?["details"] == ["n": 1])
    }

    @Test func `A crash is told to the record and hidden from the model`() async throws {
        let (results, trace) = try await answer(("crash", "{}"), ("silent", "{}"))
        #expect(results.map(\.text) == ["Error: the tool failed", "Error: the tool failed"])
        #expect(results.map(\.errorCode) == ["plugin_bug", "plugin_bug"])
        let error = try #require(trace.events(.toolResult)[0]["error"])
        #expect(
            error["message"]?.string?.contains("secret_name") == true
                || error["message"]?.string?.contains("nil") == true)
        #expect(error["line"]?.int != nil)
        #expect(error["traceback"]?.string?.isEmpty == false)
    }

    @Test func `An endless tool is stopped and the next call runs`() async throws {
        let (results, _) = try await answer(("endless", "{}"), ("echo", #"{"text":"on"}"#))
        #expect(results[0].errorCode == "limit")
        #expect(results[0].text.hasPrefix("Error: the tool ran out of"))
        #expect(results[1].text == "on")
    }

    @Test func `Long text is cut for the model and whole in the trace`() async throws {
        let (results, trace) = try await answer(("long", "{}"))
        #expect(results[0].modelText.utf8.count < 40_000)
        #expect(results[0].modelText.contains("of 100000 bytes left out"))
        let whole = try #require(trace.events(.toolResult)[0]["full_text"])
        #expect(whole["bytes"] == 100_000)
    }

    @Test func `What a tool logs stands below its call`() async throws {
        let (_, trace) = try await answer(("chatty", "{}"))
        let log = try #require(trace.events(.log).first)
        #expect(log.parent == (try trace.events(.toolCall)[0].sequence))
        #expect(log["text"] == "careful")
        #expect(log["source"] == "chatty")
    }

    @Test func `A call that is not run is answered too`() async throws {
        let trace = try TestTrace()
        let dispatcher = ToolDispatcher(tools: [], trace: trace.writer, hostCalls: HostCallLog())
        let call = IdentifiedCall(id: "c", call: ProposedCall(name: "echo", arguments: "{}"))
        let result = try dispatcher.refuse(call, because: "not run: enough", turn: 1, parent: nil)
        #expect(result.errorCode == "not_run")
        #expect(try trace.events(.toolResult).map { $0["text"] } == ["not run: enough"])
    }
}
