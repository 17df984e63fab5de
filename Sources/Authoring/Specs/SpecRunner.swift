import JSON
import Lua
import Plugins
import Workspaces

/// Runs the specs of one plugin.
public struct SpecRunner: Sendable {
    public struct Options: Sendable {
        public var fake = true
        public var real = false
        /// Runs each test a second time and compares what the plugin did, byte for byte.
        public var twice = false
        /// Runs each test again for each host call, which then fails.
        public var faults = false
        /// Calls with arguments that are made up.
        public var fuzz = 0
        public var seed: UInt64 = 1
        /// Records golden files anew.
        public var updates = false
        /// A part of the names of the tests to run; nil: all.
        public var filter: String?

        public init() {}
    }

    let plugin: Plugin
    let options: Options
    let host: WorkspaceHost?
    /// Is told of every program that ran, with the files that it changed.
    var observer: (@Sendable (ExecRequest, ExecResult) -> Void)?
    /// Is told of every line of the plugin that ran in a spec.
    public var coverage: Coverage?

    /// `host` opens the workspaces of real runs; nil when none are wanted.
    public init(_ plugin: Plugin, _ options: Options, host: WorkspaceHost?) {
        self.plugin = plugin
        self.options = options
        self.host = host
    }

    /// A test may take this long.
    private static let limit = Duration.seconds(120)

    public func run() async throws(AuthoringError) -> [TestResult] {
        var results: [TestResult] = []
        for spec in try SpecFile.find(for: plugin) { results += await run(spec) }
        guard options.filter == nil else { return results }
        let fuzz = FuzzRunner(plugin: plugin, options: options, host: host)
        return results + (await fuzz.examples()) + (await fuzz.fuzz())
    }

    private func run(_ spec: SpecFile) async -> [TestResult] {
        let tests: [SpecState.Test]
        do throws(LuaError) {
            tests = try await SpecState(spec, on: stage(spec, .fake)).tests()
        } catch {
            return [broken(spec, error)]
        }
        var results: [TestResult] = []
        for test in tests where matches(test) {
            if let reason = test.skip {
                results.append(result(spec, test, "fake", .skipped(reason)))
                continue
            }
            results += await run(test, of: spec)
        }
        return results
    }

    /// Without one there is nothing in which fake and real could differ.
    private var usesWorkspace: Bool {
        let permissions = plugin.manifest.permissions
        return !permissions.programs.isEmpty || !permissions.files.isEmpty
    }

    private func matches(_ test: SpecState.Test) -> Bool {
        options.filter.map { test.path.joined(separator: " ").contains($0) } ?? true
    }

    /// One test in all the ways that were asked for.
    private func run(_ test: SpecState.Test, of spec: SpecFile) async -> [TestResult] {
        var results: [TestResult] = []
        if options.fake {
            if test.only == "real" {
                if host == nil {
                    results.append(result(spec, test, "fake", .skipped("it runs in a real workspace only")))
                }
            } else {
                results += await run(test, of: spec, in: .fake, mode: "fake")
            }
        }
        if let host, usesWorkspace || !options.fake || test.only == "real" {
            if test.only == "fake" {
                if !options.fake {
                    results.append(result(spec, test, "real", .skipped("it runs in a fake workspace only")))
                }
            } else {
                results += await run(test, of: spec, in: .real(host), mode: "real")
            }
        }
        if results.count == 2, results.map(\.mode) == ["fake", "real"] { compareBoth(&results) }
        return results
    }

    private func run(
        _ test: SpecState.Test, of spec: SpecFile, in place: Stage.Place, mode: String
    ) async -> [TestResult] {
        var first = await perform(test, of: spec, on: stage(spec, place), mode: mode)
        if options.twice, first.failure == nil {
            let second = await perform(test, of: spec, on: stage(spec, place), mode: mode)
            compareTwice(&first, second)
        }
        guard options.faults, mode == "fake", first.failure == nil else { return [first] }
        return [first, await withFaults(test, of: spec, place)]
    }

    /// The stage of one test.
    private func stage(_ spec: SpecFile, _ place: Stage.Place, failing: Int? = nil) -> Stage {
        var goldens = GoldenFiles(folder: spec.goldenFolder)
        if case .real = place { goldens.ignoresAnswers = true } else { goldens.updates = options.updates }
        return Stage(plugin, in: place, goldens, failing: failing, observer: observer, coverage: coverage)
    }

    private func perform(
        _ test: SpecState.Test, of spec: SpecFile, on stage: Stage, mode: String
    ) async -> TestResult {
        let start = ContinuousClock.now
        var outcome = TestResult.Outcome.passed
        do throws(LuaError) {
            try await SpecState(spec, on: stage).run(test, within: Self.limit)
        } catch {
            outcome = .failed(TestFailure(error, spec: spec, stage: stage))
        }
        await stage.end()
        var result = self.result(spec, test, mode, outcome)
        result.wall = ContinuousClock.now - start
        result.records = stage.records
        result.log = stage.rehearsal.log
        return result
    }

    // MARK: Comparisons

    /// The second run of a test must have asked the host for the same and given the same.
    private func compareTwice(_ first: inout TestResult, _ second: TestResult) {
        if let failure = second.failure {
            first.outcome = .failed(TestFailure("it passed once and failed when it was run again: \(failure.message)"))
            return
        }
        let (got, wanted) = (second.records.map(\.essence), first.records.map(\.essence))
        guard let place = JSONDifference.first(.array(got), .array(wanted)) else { return }
        first.outcome = .failed(
            TestFailure(
                "two runs of it differ; something depends on the order of a table, on an address or on the time",
                details: ["call\(place)"]))
    }

    /// Where the fake workspace answered otherwise than the real one.
    private func compareBoth(_ results: inout [TestResult]) {
        let (fake, real) = (results[0], results[1])
        guard fake.failure == nil, real.failure == nil else {
            if fake.failure == nil, let failure = real.failure {
                var details = failure.details
                if let difference = FakeComparison.first(fake.records, real.records) {
                    details.insert("the fake differs first at \(difference.text)", at: 0)
                }
                results[1].outcome = .failed(
                    TestFailure(
                        "it passes in the fake workspace only: \(failure.message)", file: failure.file,
                        line: failure.line, details: details))
            }
            return
        }
        for difference in FakeComparison.all(fake.records, real.records) {
            if difference.isSerious {
                results[1].outcome = .failed(TestFailure("the fake lies: \(difference.text)"))
                return
            }
            results[1].notes.append("the fake differs: \(difference.text)")
        }
    }

    // MARK: Faults

    /// Each host call of the test fails once. The plugin may give an error, but not one of its own making.
    private func withFaults(_ test: SpecState.Test, of spec: SpecFile, _ place: Stage.Place) async -> TestResult {
        let start = ContinuousClock.now
        var result = self.result(spec, test, "faults", .passed)
        var number = 1
        while true {
            let stage = stage(spec, place, failing: number)
            _ = await perform(test, of: spec, on: stage, mode: "faults")
            guard let function = stage.rehearsal.failed else { break }
            for record in stage.records {
                guard case .failure(let error) = record.result, error.code == "plugin_bug" || error.code == "limit"
                else { continue }
                result.outcome = .failed(
                    TestFailure(
                        "host call \(number), \(function), fails and the plugin breaks: \(error)", file: error.file,
                        line: error.line, details: error.traceback.map { [$0] } ?? []))
                break
            }
            if result.failure != nil { break }
            number += 1
        }
        result.notes = result.failure == nil && number > 1 ? ["\(number - 1) host calls failed in turn"] : []
        result.wall = ContinuousClock.now - start
        return result
    }

    // MARK: Results

    private func result(
        _ spec: SpecFile, _ test: SpecState.Test, _ mode: String, _ outcome: TestResult.Outcome
    ) -> TestResult {
        TestResult(
            plugin: plugin.title, file: spec.name, path: test.path, mode: mode, outcome: outcome, wall: .zero)
    }

    private func broken(_ spec: SpecFile, _ error: LuaError) -> TestResult {
        TestResult(
            plugin: plugin.title, file: spec.name, path: ["(the spec itself)"], mode: "fake",
            outcome: .failed(TestFailure(error, spec: spec, stage: nil)), wall: .zero)
    }
}
