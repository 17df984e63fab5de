import Glibc

/// Why a run could not start. The message says what was tried, on what, why it failed and what to do.
public struct RunError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The output directory is of no use.
        case directory
        /// An intents file, a plugin or a flag is not what the run needs.
        case input
        /// The machine cannot open workspaces.
        case workspaces
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
