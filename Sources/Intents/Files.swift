import Glibc

/// Why a system call failed, in the system's words.
struct SystemFailure: Error {
    let code: Int32
    var reason: String { String(cString: strerror(code)) }
}

/// The whole content of a file; works for pipes and `/dev/stdin` too.
func readFile(_ path: String) throws(SystemFailure) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemFailure(code: errno) }
    defer { close(descriptor) }
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = read(descriptor, &chunk, chunk.count)
        if count > 0 {
            content.append(contentsOf: chunk[..<count])
        } else if count == 0 {
            return content
        } else if errno != EINTR {
            throw SystemFailure(code: errno)
        }
    }
}

/// Writes a file anew.
func writeFile(_ path: String, _ bytes: [UInt8]) throws(SystemFailure) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemFailure(code: errno) }
    defer { close(descriptor) }
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 {
            rest = rest.dropFirst(count)
        } else if errno != EINTR {
            throw SystemFailure(code: errno)
        }
    }
}
