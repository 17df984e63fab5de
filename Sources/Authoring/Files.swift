import Glibc

/// What the tools for authors cannot do, in words for them.
public struct AuthoringError: Error, Sendable, CustomStringConvertible {
    public var message: String
    public init(_ message: String) { self.message = message }
    public var description: String { message }
}

/// The names in a folder, sorted, hidden ones left out; none when there is no such folder.
func listFolder(_ path: String) throws(AuthoringError) -> [String] {
    guard let stream = opendir(path) else {
        if errno == ENOENT || errno == ENOTDIR { return [] }
        throw AuthoringError("could not list \(path): \(reason(errno))")
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
}

func readFile(_ path: String) throws(AuthoringError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw AuthoringError("could not open \(path): \(reason(errno))") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        guard count >= 0 else { throw AuthoringError("could not read \(path): \(reason(errno))") }
        if count == 0 { return bytes }
        bytes += chunk[..<count]
    }
}

/// Writes a file, with the folders above it.
func writeFile(_ path: String, _ bytes: [UInt8]) throws(AuthoringError) {
    if let slash = path.lastIndex(of: "/"), slash != path.startIndex { try makeFolder(String(path[..<slash])) }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw AuthoringError("could not create \(path): \(reason(errno))") }
    defer { close(descriptor) }
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { throw AuthoringError("could not write \(path): \(reason(errno))") }
        rest = rest.dropFirst(count)
    }
}

func makeFolder(_ path: String) throws(AuthoringError) {
    if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
        throw AuthoringError("could not make the folder \(path): \(reason(errno))")
    }
    try makeFolder(String(path[..<slash]))
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
        throw AuthoringError("could not make the folder \(path): \(reason(errno))")
    }
}

func isFile(_ path: String) -> Bool { kind(of: path) == S_IFREG }
func isFolder(_ path: String) -> Bool { kind(of: path) == S_IFDIR }

private func kind(of path: String) -> mode_t {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
}

func lastName(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

private func reason(_ number: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 128)
    guard strerror_r(number, &buffer, buffer.count) == 0 else { return "error \(number)" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}

/// Files that the tools make for authors.
public enum AuthoredFile {
    /// With the folders above it.
    public static func write(_ path: String, _ text: String) throws(AuthoringError) {
        try writeFile(path, Array(text.utf8))
    }
}
