import Basics
import Glibc
import WorkspaceShim

/// A file as `lstat(2)` sees it.
public struct FileStatus: Sendable, Hashable {
    public enum Kind: String, Sendable { case file, directory, link, other }

    public var kind: Kind
    /// Bytes.
    public var size: Int
    /// Permission bits.
    public var mode: UInt16
    /// Nanoseconds since 1970, by the workspace's clock.
    public var modified: Int64

    public init(kind: Kind, size: Int, mode: UInt16, modified: Int64 = 0) {
        self.kind = kind
        self.size = size
        self.mode = mode
        self.modified = modified
    }
}

/// Files below a directory, sorted by the bytes of their paths.
public struct FileListing: Sendable {
    public struct Entry: Sendable, Hashable {
        /// Relative to the directory that was listed. File names are bytes; ones that are no UTF-8 are shown with U+FFFD.
        public var path: String
        public var status: FileStatus

        public init(path: String, status: FileStatus) {
            self.path = path
            self.status = status
        }
    }

    public var entries: [Entry]
    /// There was more than the limit, or a directory that could not be read.
    public var truncated: Bool

    public init(entries: [Entry], truncated: Bool = false) {
        self.entries = entries
        self.truncated = truncated
    }
}

extension Workspace {
    /// Bytes that `read` returns without an explicit limit. A workspace can make a file of any size out of holes.
    public static let readLimit = 256 << 20

    /// Reads a regular file. The workspace's own init opens it, so no link can lead out.
    ///
    /// - Parameters:
    ///   - offset: bytes to skip.
    ///   - limit: bytes to return at most. Without it the whole rest is returned.
    /// - Throws: `tooBig` when more than `readLimit` bytes would be returned without a limit.
    public func read(_ path: String, offset: Int = 0, limit: Int = .max) async throws(WorkspaceError) -> [UInt8] {
        let isWhole = limit == .max
        let limit = isWhole ? Self.readLimit + 1 : limit
        let descriptor = try await open(path, flags: ISE_OPEN_READ.rawValue)
        let result: Result<[UInt8], WorkspaceError> = await blocking {
            defer { Glibc.close(descriptor) }
            var bytes: [UInt8] = []
            while bytes.count < limit {
                let wanted = min(1 << 20, limit - bytes.count)
                var failure: Int32 = 0
                let chunk = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
                    let got = pread(descriptor, buffer.baseAddress, wanted, off_t(offset + bytes.count))
                    failure = got < 0 ? errno : 0
                    count = max(0, got)
                }
                if failure != 0 { return .failure(.failed(stage: "read", errno: failure, path: path)) }
                if chunk.isEmpty { break }
                if isWhole, bytes.count + chunk.count > Self.readLimit {
                    return .failure(
                        WorkspaceError(
                            .tooBig,
                            "could not read \(path): it has more than \(Self.readLimit) bytes; "
                                + "give a limit to read a part of it", path: path, errno: EFBIG))
                }
                if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
            }
            return .success(bytes)
        }
        return try result.get()
    }

    /// Writes a regular file, as the commands' user. On failure the file may hold a part.
    public func write(
        _ path: String, _ bytes: [UInt8], mode: UInt16 = 0o644, append: Bool = false, createParents: Bool = true
    ) async throws(WorkspaceError) {
        var flags = ISE_OPEN_WRITE.rawValue
        if append { flags |= ISE_OPEN_APPEND.rawValue }
        if createParents { flags |= ISE_MAKE_PARENTS.rawValue }
        let descriptor = try await open(path, flags: flags, mode: mode)
        let failure: Int32 = await blocking {
            defer { Glibc.close(descriptor) }
            if !append, fchmod(descriptor, mode_t(mode)) != 0, errno != EPERM { return errno }
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                guard written > 0 else { return errno }
                rest = rest.dropFirst(written)
            }
            return 0
        }
        markDirty()
        if failure != 0 { throw .failed(stage: "write", errno: failure, path: path) }
    }

    public func list(
        _ path: String, recursive: Bool = false, limit: Int = 10_000
    ) async throws(WorkspaceError) -> FileListing {
        let answer = try await ask(ISE_LIST, path: path) { message in
            message.add(ISE_T_FLAGS, recursive ? ISE_RECURSIVE.rawValue : 0)
            message.add(ISE_T_LIMIT, limit)
        }
        guard let descriptor = answer.descriptors.first else {
            throw .failed(stage: "list", errno: EIO, path: path)
        }
        let bytes: [UInt8] = await blocking {
            defer { Glibc.close(descriptor) }
            return readAll(descriptor)
        }
        var listing = FileListing(entries: [], truncated: false)
        IncomingMessage.forEachField(in: bytes[...]) { field in
            if field.tag == ISE_T_TRUNCATED.rawValue {
                listing.truncated = field.number != 0
            } else if let status = FileStatus(field.bytes) {
                let name = field.bytes.dropFirst(MemoryLayout<ise_entry>.size)
                listing.entries.append(.init(path: String(decoding: name, as: UTF8.self), status: status))
            }
        }
        listing.entries.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        return listing
    }

    /// Nil when nothing of that name exists. A link is not followed.
    public func stat(_ path: String) async throws(WorkspaceError) -> FileStatus? {
        do {
            let answer = try await ask(ISE_STAT, path: path)
            return answer.field(ISE_T_ENTRY).flatMap { FileStatus($0.bytes) }
        } catch  where error.errno == ENOENT || error.errno == ENOTDIR {
            return nil
        }
    }

    /// Removes a file, a link, or a directory: an empty one, or, with `recursive`, all that is below.
    public func remove(_ path: String, recursive: Bool = false) async throws(WorkspaceError) {
        markDirty()
        _ = try await ask(ISE_REMOVE, path: path) { message in
            message.add(ISE_T_FLAGS, recursive ? ISE_RECURSIVE.rawValue : 0)
        }
    }

    /// Makes a directory and those above it; one that exists already is no error.
    public func makeDirectory(_ path: String) async throws(WorkspaceError) {
        markDirty()
        _ = try await ask(ISE_MKDIR, path: path)
    }

    private func open(_ path: String, flags: UInt32, mode: UInt16 = 0) async throws(WorkspaceError) -> Int32 {
        let answer = try await ask(ISE_OPEN_FILE, path: path) { message in
            message.add(ISE_T_FLAGS, flags)
            message.add(ISE_T_MODE, mode)
        }
        guard let descriptor = answer.descriptors.first else {
            throw .failed(stage: "open", errno: EIO, path: path)
        }
        return descriptor
    }
}

extension FileStatus {
    /// Nil when the bytes are too few for a `struct ise_entry`.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count >= MemoryLayout<ise_entry>.size else { return nil }
        let entry = bytes.withUnsafeBytes { $0.loadUnaligned(as: ise_entry.self) }
        kind =
            switch entry.mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .link
            default: .other
            }
        size = Int(truncatingIfNeeded: entry.size)
        mode = UInt16(truncatingIfNeeded: entry.mode & 0o7777)
        modified = entry.mtime_ns
    }
}

/// From the start to the end; what a failed read leaves out is left out.
private func readAll(_ descriptor: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
        var got = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            got = pread(descriptor, buffer.baseAddress, buffer.count, off_t(bytes.count))
            count = max(0, got)
        }
        if got <= 0 { return bytes }
        bytes += chunk
    }
}
