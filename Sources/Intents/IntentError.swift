/// Why intents could not be made or read. The message says what was tried, why it failed and what to do.
public struct IntentError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The file could not be read, or holds no intent.
        case file
        /// A line of the file is no usable record.
        case record
        /// The loaded plugins cannot give what was asked for.
        case pool
        /// A persona or domain plugin failed or answered nonsense.
        case plugin
        /// The composed text lacks a value of one of its tasks.
        case validation
        /// No new intent came out after many tries.
        case exhausted
        case cancelled
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
