import Glibc

/// Why a trace or a blob could not be written or read.
public struct TraceError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The file system or the quota is full. What was not written is kept: make room and try again.
        case noSpace = "no_space"
        case readOnly = "read_only"
        case permission
        case notFound = "not_found"
        /// A finished trace of that name exists and is never replaced.
        case exists
        /// Another writer, perhaps of another process, has the trace open.
        case busy
        /// The medium failed (EIO and the rest).
        case io
        /// An event or a blob over the size limit.
        case tooBig = "too_big"
        /// The bytes are not what a writer wrote.
        case corrupt
        /// An event that may not stand here: a caller's mistake.
        case invalidEvent = "invalid_event"
        /// An id that cannot be a file's name.
        case invalidName = "invalid_name"
        /// The writer has been finished.
        case finished
    }

    public var code: Code
    /// What was tried, as the end of "cannot …".
    public var action: String
    /// The file or directory, or the id of the trajectory.
    public var path: String
    public var reason: String

    public init(_ code: Code, cannot action: String, path: String, reason: String) {
        self.code = code
        self.action = action
        self.path = path
        self.reason = reason
    }

    /// After a failed system call.
    init(errno number: CInt, cannot action: String, path: String) {
        self.init(Self.code(errno: number), cannot: action, path: path, reason: Self.reason(errno: number))
    }

    public var description: String { "cannot \(action) \(path): \(reason)" }

    private static func code(errno number: CInt) -> Code {
        switch number {
        case ENOSPC, EDQUOT, EFBIG: .noSpace
        case EROFS: .readOnly
        case EACCES, EPERM: .permission
        case ENOENT, ENOTDIR: .notFound
        case EEXIST: .exists
        default: .io
        }
    }

    private static func reason(errno number: CInt) -> String {
        let text = String(cString: strerror(number))
        switch number {
        case ENOSPC: return "\(text); free some space there or choose another output directory"
        case EDQUOT, EFBIG: return "\(text); raise the limit or choose another output directory"
        case EROFS, EACCES, EPERM: return "\(text); choose an output directory that you may write to"
        default: return text
        }
    }
}
