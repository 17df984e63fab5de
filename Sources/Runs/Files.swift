import Glibc

/// A failed system call on a path.
struct SystemError: Error, CustomStringConvertible {
    let code: CInt
    let path: String

    init(_ path: String) {
        code = errno
        self.path = path
    }

    var description: String { "\(path): \(String(cString: strerror(code)))" }
}

/// With all parents; one that exists is fine.
func createDirectory(_ path: String) throws(SystemError) {
    if mkdir(path, 0o755) == 0 || (errno == EEXIST && isDirectory(path)) { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
        throw SystemError(path)
    }
    try createDirectory(String(path[..<slash]))
    guard mkdir(path, 0o755) == 0 || (errno == EEXIST && isDirectory(path)) else { throw SystemError(path) }
}

func isDirectory(_ path: String) -> Bool {
    let saved = errno
    defer { errno = saved }
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// The names in a directory, in no order.
func listDirectory(_ path: String) throws(SystemError) -> [String] {
    guard let stream = opendir(path) else { throw SystemError(path) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}

/// Writes a file and waits until it is on the disk. A file that could not be written whole is removed.
/// - Parameter exclusive: fail when the file exists.
func writeFile(_ path: String, _ bytes: [UInt8], exclusive: Bool = false) throws(SystemError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (exclusive ? O_EXCL : O_TRUNC), 0o644)
    guard descriptor >= 0 else { throw SystemError(path) }
    defer { close(descriptor) }
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 {
            rest = rest.dropFirst(count)
        } else if errno != EINTR {
            throw failing(path)
        }
    }
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failing(path) }
}

private func failing(_ path: String) -> SystemError {
    let error = SystemError(path)
    unlink(path)
    return error
}

/// Replaces a file so that a reader finds the old or the new content, never a part.
func replaceFile(_ path: String, _ bytes: [UInt8]) throws(SystemError) {
    let fresh = path + ".part"
    try writeFile(fresh, bytes)
    guard rename(fresh, path) == 0 else { throw failing(fresh) }
}

/// For commands that write a file of their own.
public enum RunFiles {
    /// Replaces a file so that a reader finds the old or the new content, never a part.
    public static func replace(_ path: String, with bytes: [UInt8]) throws(RunError) {
        do throws(SystemError) { try replaceFile(path, bytes) } catch {
            throw RunError(.directory, "\(error)")
        }
    }
}
