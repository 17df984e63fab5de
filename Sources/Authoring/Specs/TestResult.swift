import JSON
import Plugins

/// How one test of one plugin ended.
public struct TestResult: Sendable {
    public enum Outcome: Sendable, Equatable {
        case passed
        case failed(TestFailure)
        case skipped(String)
    }

    public var plugin: String
    /// "spec/run_spec.lua"; "plugin.json" for examples and arguments that were made up.
    public var file: String
    /// The groups and the test's own name.
    public var path: [String]
    /// "fake", "real", "example", "fuzz", "faults", "twice", "both", "replay".
    public var mode: String
    public var outcome: Outcome
    public var wall: Duration
    public var records: [CallRecord] = []
    /// What plugin and spec wrote to the log.
    public var log: [String] = []
    /// What is worth knowing though nothing failed.
    public var notes: [String] = []

    public var name: String { path.joined(separator: " › ") }
    public var failure: TestFailure? { if case .failed(let failure) = outcome { failure } else { nil } }
}

/// Why a test failed, and where.
public struct TestFailure: Sendable, Equatable {
    public var message: String
    /// In the plugin's folder; of the spec where it can be told.
    public var file: String?
    /// 1-based.
    public var line: Int?
    /// More lines: what the plugin did, what was expected.
    public var details: [String] = []

    public init(_ message: String, file: String? = nil, line: Int? = nil, details: [String] = []) {
        self.message = message
        self.file = file
        self.line = line
        self.details = details
    }
}
