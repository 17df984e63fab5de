import Glibc
import TestSupport
import Testing

@testable import Workspaces

typealias Shared = SharedHost

extension SharedHost {
    /// Runs one shell command in a workspace of its own.
    static func run(_ command: String, _ policy: Policy = Policy()) async throws -> ExecResult {
        try await withWorkspace(policy) { try await $0.exec(.shell(command)) }
    }
}

/// Pids of this machine's processes whose command line holds `text`: what the host sees of the workspaces.
func hostProcesses(withCommand text: String) -> [pid_t] {
    guard let directory = opendir("/proc") else { return [] }
    defer { closedir(directory) }
    var found: [pid_t] = []
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if let pid = pid_t(name), hostFile("/proc/\(pid)/cmdline").contains(text) { found.append(pid) }
    }
    return found
}

func hostFile(_ path: String) -> String {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { Glibc.close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let length = max(0, Glibc.read(descriptor, &buffer, buffer.count))
    return String(decoding: buffer[..<length], as: UTF8.self)
}

/// Asks again until it is so; what the kernel does later than it answers (a process's end) needs that.
func eventually(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<500 {
        if condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}
