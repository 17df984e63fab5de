/// Revisions of the Model Context Protocol that ISE speaks, by their dates.
public enum ProtocolVersion: String, Sendable, CaseIterable, Comparable {
    case november2024 = "2024-11-05"
    case march2025 = "2025-03-26"
    case june2025 = "2025-06-18"
    case november2025 = "2025-11-25"

    public static let latest = ProtocolVersion.november2025

    public static func < (a: ProtocolVersion, b: ProtocolVersion) -> Bool { a.rawValue < b.rawValue }

    /// Arrays of messages came with JSON-RPC, and went with 2025-06-18.
    var allowsBatches: Bool { self <= .march2025 }
    /// `structuredContent`, `outputSchema` and `title`.
    var hasStructuredContent: Bool { self >= .june2025 }
    /// Hints about what a tool does.
    var hasAnnotations: Bool { self >= .march2025 }
}
