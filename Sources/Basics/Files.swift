import Glibc

/// A failed system call on a path.
package struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was tried: "open", "write".
    package let action: String
    package let path: String
    /// As `errno` has it.
    package let code: CInt

    package init(_ action: String, _ path: String, code: CInt = errno) {
        self.action = action
        self.path = path
        self.code = code
    }

    package var reason: String { code == EEXIST ? "it exists already" : String(cString: strerror(code)) }

    package var description: String { "could not \(action) \(path): \(reason)" }
}

/// Whole files and directories of the host.
package enum Files {
    // MARK: Looking

    package static func isFile(_ path: String) -> Bool { kind(of: path) == S_IFREG }

    package static func isDirectory(_ path: String) -> Bool { kind(of: path) == S_IFDIR }

    private static func kind(of path: String) -> mode_t {
        let saved = errno
        defer { errno = saved }
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
    }

    /// From the root, without links; nil when it is not there.
    package static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The names in a directory, sorted.
    package static func names(in directory: String, hidden: Bool = false) throws(SystemError) -> [String] {
        guard let stream = opendir(directory) else { throw SystemError("list", directory) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if hidden ? name != "." && name != ".." : !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    // MARK: Reading

    /// The whole content of a file; works for pipes and `/dev/stdin` too.
    /// - Parameters:
    ///   - limit: bytes; a longer file is an error with the code `EFBIG`.
    ///   - followsLinks: when not, a link is an error with the code `ELOOP`, and a pipe does not block.
    package static func read(
        _ path: String, atMost limit: Int = .max, followsLinks: Bool = true
    ) throws(SystemError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | (followsLinks ? 0 : O_NOFOLLOW | O_NONBLOCK))
        guard descriptor >= 0 else { throw SystemError("open", path) }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count > 0 {
                content.append(contentsOf: chunk[..<count])
                guard content.count <= limit else { throw SystemError("read", path, code: EFBIG) }
            } else if count == 0 {
                return content
            } else if errno != EINTR {
                throw SystemError("read", path)
            }
        }
    }

    // MARK: Writing

    /// - Parameters:
    ///   - exclusive: fail when the file exists.
    ///   - synced: return when it is on the disk.
    package static func write(
        _ path: String, _ bytes: [UInt8], exclusive: Bool = false, synced: Bool = false, mode: mode_t = 0o644
    ) throws(SystemError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (exclusive ? O_EXCL : O_TRUNC), mode)
        guard descriptor >= 0 else { throw SystemError("create", path) }
        defer { close(descriptor) }
        do throws(SystemError) {
            try write(bytes, to: descriptor, path)
            guard !synced || fsync(descriptor) == 0 || errno == EINVAL else { throw SystemError("write", path) }
        } catch {
            if exclusive { unlink(path) }
            throw error
        }
    }

    private static func write(_ bytes: [UInt8], to descriptor: CInt, _ path: String) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw SystemError("write", path)
            }
        }
    }

    /// Replaces a file so that a reader finds the old or the new content, never a part, also after a crash.
    package static func replace(_ path: String, _ bytes: [UInt8]) throws(SystemError) {
        let fresh = path + ".part"
        do throws(SystemError) {
            try write(fresh, bytes, synced: true)
            guard rename(fresh, path) == 0 else { throw SystemError("replace", path) }
        } catch {
            unlink(fresh)
            throw error
        }
    }

    /// With all parents; one that exists is fine.
    package static func makeDirectory(_ path: String) throws(SystemError) {
        if mkdir(path, 0o755) == 0 || (errno == EEXIST && isDirectory(path)) { return }
        guard errno == ENOENT, let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.startIndex else {
            throw SystemError("make the directory", path)
        }
        try makeDirectory(String(path[..<slash]))
        guard mkdir(path, 0o755) == 0 || (errno == EEXIST && isDirectory(path)) else {
            throw SystemError("make the directory", path)
        }
    }

    /// One that exists is an error.
    package static func makeNewDirectory(_ path: String) throws(SystemError) {
        guard mkdir(path, 0o755) == 0 else { throw SystemError("make the directory", path) }
    }
}
