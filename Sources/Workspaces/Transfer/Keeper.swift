import Basics
import Glibc
import WorkspaceShim

/// Copies changed files out of a workspace's upper layer. Everything there was made by somebody untrusted and may still change while
/// it is read: names are opened from the top without following a link, and what was opened is looked at, not what was listed.
final class Keeper {
    private let upper: Int32
    private let places: [UpperPlace]
    private let target: Int32
    private let limits: KeepLimits
    private var kept = KeptFiles()
    private var bytesLeft: Int
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)

    /// - Parameters:
    ///   - upper: the layer's own directory.
    ///   - target: an empty directory of the host that nobody else writes to.
    init(upper: Int32, places: [UpperPlace], target: Int32, limits: KeepLimits) {
        self.upper = upper
        self.places = places
        self.target = target
        self.limits = limits
        bytesLeft = limits.bytes
    }

    func keep(_ changes: [FileChange]) throws(WorkspaceError) -> KeptFiles {
        for change in changes {
            switch (change.what, change.kind) {
            case (.deleted, _): kept.deleted.append(change.path)
            case (_, .file): try keepFile(change)
            case (_, .directory): try keepDirectory(change)
            case (_, .link): leaveOut(change, "a symbolic link")
            case (_, .other): leaveOut(change, "neither a file nor a directory")
            }
        }
        try writeManifest()
        return kept
    }

    private func leaveOut(_ change: FileChange, _ reason: String) {
        kept.leftOut.append(.init(path: change.path, reason: reason))
    }

    private func keepDirectory(_ change: FileChange) throws(WorkspaceError) {
        guard kept.files.count + kept.directories.count < limits.files else { return leaveOut(change, tooMany) }
        guard let directory = try openTarget(change.path.pathNames[...], of: change) else { return }
        close(directory)
        kept.directories.append(change.path)
    }

    private func keepFile(_ change: FileChange) throws(WorkspaceError) {
        guard kept.files.count + kept.directories.count < limits.files else { return leaveOut(change, tooMany) }
        guard change.path != "/" + KeptFiles.manifestName else { return leaveOut(change, "has the name of this list") }
        let source = openSource(change.path)
        guard source >= 0 else {
            let reason = "could not be opened: \(WorkspaceError.reason(errno))"
            return leaveOut(change, change.path.unicodeScalars.contains("\u{FFFD}") ? "its name is not UTF-8" : reason)
        }
        defer { close(source) }
        var status = stat()
        guard fstat(source, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return leaveOut(change, "is no regular file any more")
        }
        guard status.st_size <= bytesLeft else {
            return leaveOut(
                change, "has \(status.st_size) bytes; \(bytesLeft) of the limit of \(limits.bytes) are left")
        }
        let names = change.path.pathNames
        guard let directory = try openTarget(names.dropLast(), of: change) else { return }
        defer { close(directory) }
        let mode = status.st_mode & 0o755 | 0o600  // neither setuid nor setgid, and nobody else may write
        let copy = openat(
            directory, String(names.last ?? ""), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard copy >= 0 else { return try refuseName(of: change, "keep", errno) }
        defer { close(copy) }
        let size = try self.copy(source, to: copy, of: change.path)
        kept.files.append(.init(path: change.path, what: change.what, size: size, mode: UInt16(mode & 0o777)))
    }

    private var tooMany: String { "the limit of \(limits.files) files is reached" }

    /// Not more than is left of the limit, however the file grows meanwhile.
    private func copy(_ source: Int32, to copy: Int32, of path: String) throws(WorkspaceError) -> Int {
        var total = 0
        while bytesLeft > 0 {
            let wanted = min(buffer.count, bytesLeft)
            let count = buffer.withUnsafeMutableBytes { read(source, $0.baseAddress, wanted) }
            guard count >= 0 else { throw .failed(stage: "read", errno: errno, path: path) }
            if count == 0 { break }
            guard ise_write_all(copy, buffer, count) == 0 else {
                throw .failed(stage: "keep", errno: errno, path: path)
            }
            total += count
            bytesLeft -= count
        }
        return total
    }

    // MARK: Names

    private func openSource(_ path: String) -> Int32 {
        guard let place = places.find(path) else { return -1 }
        let top = openat(upper, place.directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard top >= 0 else { return -1 }
        defer { close(top) }
        return ise_open_beneath(top, "." + place.rest, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0)
    }

    /// What the host's file system cannot hold by that name, or holds already, is its maker's loss, and no reason to keep nothing.
    private func refuseName(of change: FileChange, _ stage: String, _ error: Int32) throws(WorkspaceError) {
        guard [EEXIST, ENOTDIR, EISDIR, ENAMETOOLONG, EILSEQ, EINVAL].contains(error) else {
            throw .failed(stage: stage, errno: error, path: change.path)
        }
        leaveOut(change, "cannot be kept by this name: \(WorkspaceError.reason(error))")
    }

    /// The directory on the host, made with those above it; nil when the change was left out for its name.
    private func openTarget(_ names: ArraySlice<Substring>, of change: FileChange) throws(WorkspaceError) -> Int32? {
        var directory = fcntl(target, F_DUPFD_CLOEXEC, 4)
        for name in names.map(String.init) where directory >= 0 {
            let below =
                mkdirat(directory, name, 0o755) == 0 || errno == EEXIST
                ? ise_open_beneath(directory, name, O_RDONLY | O_DIRECTORY, 0) : -1
            let error = errno
            close(directory)
            directory = below
            errno = error
        }
        guard directory < 0 else { return directory }
        try refuseName(of: change, "make the directory for", errno)
        return nil
    }

    private func writeManifest() throws(WorkspaceError) {
        let file = openat(target, KeptFiles.manifestName, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw .failed(stage: "write", errno: errno, path: KeptFiles.manifestName) }
        defer { close(file) }
        let bytes = Array((kept.json.pretty + "\n").utf8)
        guard ise_write_all(file, bytes, bytes.count) == 0 else {
            throw .failed(stage: "write", errno: errno, path: KeptFiles.manifestName)
        }
    }
}

extension Workspace {
    /// Copies the files among `changes` as they are now into `directory`, which must be empty: regular files and directories only,
    /// with paths as inside. Links, devices, sockets and the like are listed, as is what is beyond the limits; setuid and setgid are
    /// dropped. A list of it all is written beside, as `ise-kept.json`.
    public func keep(
        _ changes: [FileChange], in directory: String, limits: KeepLimits = KeepLimits()
    ) async throws(WorkspaceError) -> KeptFiles {
        let answer = try await ask(ISE_LOOK, path: "/")
        guard let upper = answer.descriptors.first else { throw .failed(stage: "look at the files", errno: EIO) }
        return try await blocking { [places = template.places] () -> Result<KeptFiles, WorkspaceError> in
            defer { Glibc.close(upper) }
            let target = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard target >= 0 else { return .failure(.failed(stage: "open", errno: errno, path: directory)) }
            defer { Glibc.close(target) }
            do throws(WorkspaceError) {
                let keeper = Keeper(upper: upper, places: places, target: target, limits: limits)
                return .success(try keeper.keep(changes))
            } catch { return .failure(error) }
        }.get()
    }
}
