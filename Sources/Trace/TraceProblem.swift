import JSON

/// One thing that is wrong with a trace, and the line to look at.
public struct TraceProblem: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: String, Sendable, CaseIterable {
        /// The line is no event.
        case unparsable
        /// The line is not the one that its successor (or, for the last, it itself) vouches for.
        case edited
        /// Lines are missing, moved or repeated.
        case sequence
        /// The tail was cut, or the writer died.
        case missingEnd = "missing_end"
        /// The last line has no newline.
        case tornTail = "torn_tail"
        /// Something follows the `end` event.
        case afterEnd = "after_end"
        /// The `end` event counts other events than there are.
        case count
        case missingBlob = "missing_blob"
        case alteredBlob = "altered_blob"
        /// A call without a result, a result without a call.
        case pairing
        /// The whole file was replaced by another intact one.
        case digest
    }

    /// From 1.
    public var line: Int
    public var kind: Kind
    public var message: String

    public var description: String { "line \(line): \(message)" }

    public var json: JSONValue {
        ["line": .int(line), "kind": .string(kind.rawValue), "message": .string(message)]
    }
}

/// What a verification found.
public struct TraceVerification: Sendable, Hashable {
    public var path: String
    /// Lines that are events.
    public var events = 0
    public var blobs = 0
    /// Of the `end` event.
    public var outcome: String?
    /// The `self` hash of the `end` event.
    public var digest: ContentHash?
    /// In the order of the lines; the first `TraceVerifier.maximumProblems`.
    public var problems: [TraceProblem] = []

    public var isIntact: Bool { problems.isEmpty }

    public init(path: String) { self.path = path }

    public var json: JSONValue {
        [
            "path": .string(path), "intact": .bool(isIntact), "events": .int(events), "blobs": .int(blobs),
            "outcome": outcome.map(JSONValue.string) ?? .null,
            "digest": digest.map { .string($0.description) } ?? .null,
            "problems": .array(problems.map(\.json)),
        ]
    }
}
