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
