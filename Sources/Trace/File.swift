import Glibc

/// An open file; closed when it goes out of scope. Interrupted calls are taken up again.
struct File: ~Copyable, Sendable {
    let descriptor: CInt
    let path: String

    /// - Parameter action: for the error: "cannot <action> <path>: …".
    init(opening path: String, flags: CInt, mode: mode_t = 0o644, to action: String) throws(TraceError) {
        descriptor = retrying { open(path, flags | O_CLOEXEC, mode) }
        self.path = path
        guard descriptor >= 0 else { throw TraceError(errno: errno, cannot: action, path: path) }
    }

    deinit { close(descriptor) }

    /// The number of bytes read; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(TraceError) -> Int {
        let count = retrying { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
        guard count >= 0 else { throw TraceError(errno: errno, cannot: "read", path: path) }
        return count
    }

    /// Writes and removes from `buffer` what was written: after an error it holds exactly what is missing in the file.
    func drain(_ buffer: inout [UInt8], to action: String) throws(TraceError) {
        var written = 0
        var failure: CInt?
        buffer.withUnsafeBytes { bytes in
            while written < bytes.count, failure == nil {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
                let count = retrying { write(descriptor, rest.baseAddress, rest.count) }
                if count < 0 { failure = errno } else { written += count }
            }
        }
        if written == buffer.count {
            buffer.removeAll(keepingCapacity: true)
        } else {
            buffer.removeFirst(written)
        }
        if let failure { throw TraceError(errno: failure, cannot: action, path: path) }
    }

    /// Waits until the bytes are on the medium.
    func sync() throws(TraceError) {
        guard retrying({ fsync(descriptor) }) == 0 else {
            throw TraceError(errno: errno, cannot: "write to the disk", path: path)
        }
    }

    func status() throws(TraceError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw TraceError(errno: errno, cannot: "look at", path: path) }
        return status
    }

    /// Whether `path` stands for this very file.
    func isNamed(_ path: String) throws(TraceError) -> Bool {
        let own = try status()
        guard let named = Self.status(path) else { return false }
        return named.st_ino == own.st_ino && named.st_dev == own.st_dev
    }

    static func syncDirectory(_ path: String) throws(TraceError) {
        try File(opening: path, flags: O_RDONLY | O_DIRECTORY, to: "open").sync()
    }

    /// nil when nothing is there.
    static func status(_ path: String) -> stat? {
        var status = stat()
        return stat(path, &status) == 0 ? status : nil
    }

    /// With all parents; one that exists is fine.
    static func createDirectory(_ path: String) throws(TraceError) {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
        let parent = directory(of: path)
        guard errno == ENOENT, parent != path else {
            throw TraceError(errno: errno, cannot: "create the directory", path: path)
        }
        try createDirectory(parent)
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw TraceError(errno: errno, cannot: "create the directory", path: path)
        }
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// Repeats a system call as long as signals interrupt it.
func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
