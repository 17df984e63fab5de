import JSON
import Lua
import Plugins
import Synchronization
import Workspaces

/// Lets a plugin do what it once did, with the host's answers of then, and says where it does otherwise.
public struct Replayer: Sendable {
    private let plugin: Plugin
    private let recordings: [Recording]

    /// `file`: a trace of a run, a golden file, or what `ise plugin call --json` printed.
    public init(_ plugin: Plugin, file: String) throws(AuthoringError) {
        self.plugin = plugin
        recordings = try Recording.read(file, of: plugin)
    }

    public func run() async -> [TestResult] {
        var results: [TestResult] = []
        for recording in recordings {
            let start = ContinuousClock.now
            let outcome = await replay(recording)
            results.append(
                TestResult(
                    plugin: plugin.title, file: plugin.mainFile, path: ["replay", recording.name], mode: "replay",
                    outcome: outcome, wall: ContinuousClock.now - start))
        }
        return results
    }

    private func replay(_ recording: Recording) async -> TestResult.Outcome {
        let tape = AnswerTape(recording)
        var services = HostServices()
        services.now = { tape.time }
        services.chat = { _ in throw LuaHostError("E_UNAVAILABLE", "the record has no answer of a model here") }
        services.substitute = { function, arguments in tape.answer(function, arguments.map(\.json)) }
        let result: Result<JSONValue, PluginError>
        do throws(PluginError) {
            let instance = try await PluginInstance(plugin, host: services, seed: 1)
            result = .success(try await instance.call(recording.function, recording.arguments))
        } catch {
            result = .failure(error)
        }
        if let reason = tape.missing { return .skipped(reason) }
        if let difference = tape.difference { return .failed(TestFailure(difference)) }
        return Self.compare(result, recording.outcome)
    }

    private static func compare(
        _ result: Result<JSONValue, PluginError>, _ wanted: Recording.Outcome
    ) -> TestResult.Outcome {
        switch (result, wanted) {
        case (.failure(let error), .error(let code)) where error.code == code: return .passed
        case (.failure(let error), _):
            return .failed(TestFailure("it raises \(error.code): \(error.message)", file: error.file, line: error.line))
        case (.success, .error(let code)): return .failed(TestFailure("it raised \(code) then, and gives a result now"))
        case (.success(let value), .result(let old)):
            return JSONDifference.first(value.withoutVolatile, old.withoutVolatile).map { .failed(TestFailure($0)) }
                ?? .passed
        case (.success(let value), .shown(let text, let failed)):
            let now: JSONValue = ["text": value["text"] ?? .null, "failed": .bool(value["failed"]?.bool == true)]
            return JSONDifference.first(now, ["text": .string(text), "failed": .bool(failed)]).map {
                .failed(TestFailure($0))
            }
                ?? .passed
        }
    }
}

/// The recorded answers, in their order.
private final class AnswerTape: Sendable {
    private struct State {
        var next = 0
        var missing: String?
        var difference: String?
    }

    private let recording: Recording
    private let state = Mutex(State())

    init(_ recording: Recording) { self.recording = recording }

    var missing: String? { state.withLock { $0.missing } }
    var difference: String? { state.withLock { $0.difference } }

    /// Of the recorded calls of the clock, which answer at once and are not asked for here.
    var time: Double {
        let clock = recording.answers.first { $0.function == "clock.now" }
        if case .success(let value)? = clock?.result { return value.double ?? Rehearsal.defaultTime }
        return Rehearsal.defaultTime
    }

    func answer(_ function: String, _ arguments: [JSONValue]) -> Result<LuaValue, LuaHostError> {
        let end = LuaHostError("E_REPLAY", "the record has no such call", endsCall: true)
        return state.withLock { state in
            // Functions that answer at once do so by themselves.
            while state.next < recording.answers.count,
                HostReference.function(recording.answers[state.next].function)?.waits == false
            {
                state.next += 1
            }
            guard state.next < recording.answers.count else {
                note(&state, "asks for \(function)(\(Self.short(arguments))), which it did not then", function)
                return .failure(end)
            }
            let answer = recording.answers[state.next]
            guard answer.function == function else {
                note(&state, "asks for \(function)(\(Self.short(arguments))), then it was \(answer.function)", function)
                return .failure(end)
            }
            let asked = recording.isComplete ? arguments : Array(arguments.prefix(answer.arguments.count))
            if let place = JSONDifference.first(.array(asked), .array(answer.arguments)) {
                state.difference = "it asks for \(function) with other arguments: \(place)"
                return .failure(end)
            }
            state.next += 1
            return answer.result.map { LuaValue($0, droppingNulls: true) }
        }
    }

    private func note(_ state: inout State, _ what: String, _ function: String) {
        if recording.isComplete {
            state.difference = "it \(what)"
        } else {
            state.missing = "the trace does not have what \(function) gave"
        }
    }

    private static func short(_ arguments: [JSONValue]) -> String {
        let text = arguments.map(\.compact).joined(separator: ", ")
        return text.count <= 80 ? text : text.prefix(77) + "…"
    }
}
