import Glibc

/// What went wrong with a workspace: what was tried, on what, why it failed.
public struct WorkspaceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A kind that a caller can act on. New kinds may come; a `switch` needs a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        public let description: String

        /// A file, directory or working directory does not exist.
        public static let notFound = Code(description: "not_found")
        public static let permission = Code(description: "permission")
        public static let isDirectory = Code(description: "is_directory")
        public static let notDirectory = Code(description: "not_directory")
        public static let exists = Code(description: "exists")
        /// The workspace's disk or inode limit is reached.
        public static let noSpace = Code(description: "no_space")
        /// An argument list, a path or a message is longer than the kernel takes.
        public static let tooBig = Code(description: "too_big")
        /// A path with a NUL byte, an empty one, or one to something that is no regular file.
        public static let invalidPath = Code(description: "invalid_path")
        /// The program to execute is not there, or is none.
        public static let commandNotFound = Code(description: "command_not_found")
        public static let notExecutable = Code(description: "not_executable")
        /// Not while something is running.
        public static let busy = Code(description: "busy")
        /// The workspace was closed, or its init died.
        public static let closed = Code(description: "closed")
        /// The machine cannot make workspaces; the message says what is missing.
        public static let unavailable = Code(description: "unavailable")
        /// The policy, or a command's confinement, demands what the machine cannot enforce.
        public static let limitUnenforceable = Code(description: "limit_unenforceable")
        public static let io = Code(description: "io")
    }

    public var code: Code
    public var message: String
    /// The path that the failed request named.
    public var path: String?
    /// errno of the failed call; 0 when no call failed.
    public var errno: Int32

    public init(_ code: Code, _ message: String, path: String? = nil, errno: Int32 = 0) {
        self.code = code
        self.message = message
        self.path = path
        self.errno = errno
    }

    public var description: String { message }
}

extension WorkspaceError {
    /// A failed step, as the init or the launcher reports it.
    public static func failed(stage: String, errno: Int32, path: String? = nil) -> WorkspaceError {
        let object = path.map { " \($0)" } ?? ""
        return WorkspaceError(
            code(for: errno), "could not \(stage)\(object): \(reason(errno))", path: path, errno: errno)
    }

    private static func code(for errno: Int32) -> Code {
        switch errno {
        case ENOENT: .notFound
        case EACCES, EPERM, EROFS: .permission
        case EISDIR: .isDirectory
        case ENOTDIR: .notDirectory
        case EEXIST, ENOTEMPTY: .exists
        case ENOSPC, EDQUOT, EFBIG: .noSpace
        case E2BIG, ENAMETOOLONG, EMSGSIZE: .tooBig
        case EINVAL, ELOOP: .invalidPath
        default: .io
        }
    }

    static func reason(_ errno: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        guard strerror_r(errno, &buffer, buffer.count) == 0 else { return "error \(errno)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
