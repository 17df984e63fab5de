import Glibc
import WorkspaceShim

/// A bind of one workspace, and what its source was when it was asked for: the launcher takes nothing else.
struct CheckedBind: Sendable {
    let source: String
    let path: String
    private let device: UInt64
    private let inode: UInt64

    /// - Throws: `invalidPath` for a place that cannot be bound, and for a source that is a link or neither file nor directory;
    ///   `notFound`, `permission`.
    init(_ bind: HostOptions.Bind) throws(WorkspaceError) {
        path = "/" + (try bind.placeNames()).joined(separator: "/")
        let names = bind.source.pathNames
        source = "/" + names.joined(separator: "/")
        guard bind.source.isAbsolutePath, !names.isEmpty, !names.contains(".."), !names.contains("."),
            !bind.source.utf8.contains(0)
        else { throw bind.error("the source must be an absolute path without . and ..") }
        var status = stat()
        guard lstat(source, &status) == 0 else { throw .failed(stage: "bind", errno: errno, path: source) }
        switch status.st_mode & S_IFMT {
        case S_IFREG, S_IFDIR: break
        case S_IFLNK: throw bind.error("the source is a link, which could be led elsewhere; name what it leads to")
        default: throw bind.error("the source is neither a file nor a directory")
        }
        (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }

    static func all(_ binds: [HostOptions.Bind]) throws(WorkspaceError) -> [CheckedBind] {
        guard binds.count <= Int(ISE_MAX_OWN_BINDS) else {
            throw WorkspaceError(
                .tooBig, "a workspace can have \(ISE_MAX_OWN_BINDS) binds of its own, \(binds.count) were asked for")
        }
        var checked: [CheckedBind] = []
        for bind in binds { checked.append(try CheckedBind(bind)) }
        return checked
    }

    func add(to message: inout OutgoingMessage) {
        message.add(ISE_T_PATH, string: path)
        message.add(ISE_T_SOURCE, string: source)
        message.add(ISE_T_SOURCE_FILE, bytes: [device, inode].withUnsafeBytes(Array.init))
    }

    /// The place and what leads to it: made in the upper layer, but by nobody inside.
    var places: [String] {
        let names = path.pathNames
        return names.indices.map { "/" + names[...$0].joined(separator: "/") }
    }
}

extension HostOptions.Bind {
    func error(_ reason: String) -> WorkspaceError {
        WorkspaceError(.invalidPath, "cannot bind \(source) at \(path): \(reason)", path: source)
    }

    /// The names on the way to its place inside.
    func placeNames() throws(WorkspaceError) -> [Substring] {
        let names = path.pathNames
        guard path.isAbsolutePath, !names.isEmpty, !names.contains(".."), !names.contains("."),
            !["proc", "dev", "usr"].contains(names[0]), !path.utf8.contains(0), path.utf8.count < 256
        else {
            throw WorkspaceError(
                .invalidPath,
                "cannot bind \(source) at \(path): that must be an absolute path outside /proc, /dev and /usr, of at most 255 "
                    + "bytes", path: path)
        }
        return names
    }
}
