import JSON
import Plugins
import Workspaces

/// Calls a plugin with its examples and with arguments that are made up. It may refuse them, but not break.
struct FuzzRunner: Sendable {
    let plugin: Plugin
    let options: SpecRunner.Options
    let host: WorkspaceHost?

    /// One call that is to be tried.
    private struct Attempt {
        var function: String
        var arguments: [JSONValue]
        var seed: UInt64
    }

    // MARK: Examples

    func examples() async -> [TestResult] {
        guard plugin.manifest.kind == .tool else { return [] }
        var results: [TestResult] = []
        for (index, example) in plugin.manifest.examples.enumerated() {
            let attempt = Attempt(function: "run", arguments: [example], seed: 1)
            let name = "example \(index + 1): \(Self.short(example))"
            if options.fake { results.append(await result(attempt, name, "example", real: false)) }
            if host != nil { results.append(await result(attempt, name, "example, real", real: true)) }
        }
        return results
    }

    private func result(_ attempt: Attempt, _ name: String, _ mode: String, real: Bool) async -> TestResult {
        let start = ContinuousClock.now
        let (record, failure) = await perform(attempt, real: real)
        return TestResult(
            plugin: plugin.title, file: "plugin.json", path: [name], mode: mode,
            outcome: failure.map { .failed($0) } ?? .passed, wall: ContinuousClock.now - start,
            records: [record].compactMap(\.self))
    }

    // MARK: Fuzz

    func fuzz() async -> [TestResult] {
        guard options.fuzz > 0 else { return [] }
        let start = ContinuousClock.now
        let attempts: [Attempt]
        switch plugin.manifest.kind {
        case .tool: attempts = toolAttempts()
        case .domain:
            attempts = await drawnAttempts("instantiate", from: "tasks") { [$0["name"] ?? .null, Self.person] }
        case .persona: attempts = await drawnAttempts("compose", from: "personas") { [$0, Self.requests] }
        case .guard: attempts = guardAttempts()
        default: attempts = []
        }
        guard !attempts.isEmpty else { return [] }
        var result = TestResult(
            plugin: plugin.title, file: "plugin.json", path: ["\(attempts.count) calls that were made up"],
            mode: "fuzz",
            outcome: .passed, wall: .zero)
        for (index, attempt) in attempts.enumerated() {
            guard var failure = await attemptFailure(attempt) else { continue }
            failure.details.insert("\(attempt.function)(\(Self.short(.array(attempt.arguments), 600)))", at: 0)
            failure.details.append("call \(index + 1) with --fuzz \(options.fuzz) --seed \(options.seed)")
            result.outcome = .failed(failure)
            break
        }
        result.wall = ContinuousClock.now - start
        return [result]
    }

    private func attemptFailure(_ attempt: Attempt) async -> TestFailure? {
        let (first, failure) = await perform(attempt, real: false)
        if let failure { return failure }
        guard options.twice else { return nil }
        let (second, _) = await perform(attempt, real: false)
        guard let first, let second, let place = JSONDifference.first(second.essence, first.essence) else { return nil }
        return TestFailure("two runs of the same call differ: \(place)")
    }

    private func toolAttempts() -> [Attempt] {
        var maker = ArgumentMaker(
            schema: plugin.manifest.parameters ?? ["type": "object", "properties": [:]], seed: options.seed)
        return (0..<options.fuzz).map { index in
            Attempt(function: "run", arguments: [maker.next()], seed: options.seed &+ UInt64(index))
        }
    }

    /// One call for a member of a list that the plugin has, each with another seed.
    private func drawnAttempts(
        _ function: String, from list: String, _ arguments: (JSONValue) -> [JSONValue]
    ) async -> [Attempt] {
        guard let instance = try? await PluginInstance(plugin, host: HostServices(), seed: 1),
            let members = try? await instance.value(list).array, !members.isEmpty
        else { return [] }
        return (0..<options.fuzz).map { index in
            Attempt(
                function: function, arguments: arguments(members[index % members.count]),
                seed: options.seed &+ UInt64(index))
        }
    }

    private func guardAttempts() -> [Attempt] {
        var maker = ArgumentMaker(
            schema: [
                "type": "object", "required": ["query", "history"],
                "properties": [
                    "query": ["type": "string"],
                    "history": [
                        "type": "array",
                        "items": [
                            "type": "object", "required": ["user", "assistant"],
                            "properties": ["user": ["type": "string"], "assistant": ["type": "string"]],
                        ],
                    ],
                ],
            ], seed: options.seed, spoils: false)
        return (0..<options.fuzz).map { index in
            Attempt(function: "check", arguments: [maker.next()], seed: options.seed &+ UInt64(index))
        }
    }

    private static let person: JSONValue = ["name": "Ada", "role": "Engineer", "experience_level": "Senior"]
    private static let requests: JSONValue = ["sort the folder", "count the lines"]

    // MARK: One call

    private func perform(_ attempt: Attempt, real: Bool) async -> (CallRecord?, TestFailure?) {
        let rehearsal = Rehearsal()
        rehearsal.begin(Rehearsal.Script(), Exchange())
        do throws(WorkspaceError) {
            if real, let host {
                let workspace = try await host.open()
                let outcome = await call(attempt, rehearsal, workspace)
                await workspace.close()
                return outcome
            }
            return await call(attempt, rehearsal, try await FuzzWorld.workspace(seed: attempt.seed))
        } catch {
            return (nil, TestFailure("no workspace: \(error.message)"))
        }
    }

    private func call(
        _ attempt: Attempt, _ rehearsal: Rehearsal, _ workspace: any WorkspaceAccess
    ) async -> (CallRecord?, TestFailure?) {
        var record = CallRecord(
            function: attempt.function, arguments: .array(attempt.arguments), result: .success(.null), hostCalls: [])
        do throws(PluginError) {
            let instance = try await PluginInstance(plugin, host: rehearsal.services(workspace), seed: attempt.seed)
            let value = try await instance.call(attempt.function, attempt.arguments)
            record.result = .success(value)
            record.hostCalls = rehearsal.hostCalls
            return (record, Self.fault(in: value, of: plugin.manifest.kind))
        } catch {
            record.result = .failure(error)
            record.hostCalls = rehearsal.hostCalls
            guard error.code == "plugin_bug" || error.code == "limit" else { return (record, nil) }
            var failure = TestFailure("\(error.code): \(error.message)", file: error.file, line: error.line)
            for row in (error.traceback ?? "").split(separator: "\n") { failure.details.append(String(row)) }
            return (record, failure)
        }
    }

    private static func fault(in value: JSONValue, of kind: PluginManifest.Kind) -> TestFailure? {
        switch kind {
        case .tool where value["text"]?.string == nil:
            TestFailure("`run` must return a table with `text`, not \(short(value))")
        case .domain where value.object == nil:
            TestFailure("`instantiate` must return a table, not \(short(value))")
        case .persona where value.string?.isEmpty != false:
            TestFailure("`compose` must return a text, not \(short(value))")
        case .guard where value["ok"]?.bool == nil:
            TestFailure("`check` must return a table with `ok`, not \(short(value))")
        default: nil
        }
    }

    private static func short(_ value: JSONValue, _ limit: Int = 80) -> String {
        let text = value.compact
        return text.count <= limit ? text : text.prefix(limit - 1) + "…"
    }
}
