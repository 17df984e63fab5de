/// Why a manifest, or a schema in it, is not accepted.
public struct ManifestProblem: Error, Sendable, Equatable, CustomStringConvertible {
    public var message: String
    /// The member that is wrong, for finding its line.
    public var key: String?
    /// 1-based, in the file that holds the manifest.
    public var line: Int?

    init(_ message: String, key: String? = nil, line: Int? = nil) {
        self.message = message
        self.key = key
        self.line = line
    }

    public var description: String { message }
}
