import Glibc
import Testing

@testable import Workspaces

/// One host serves all tests of this process, as one serves a run.
enum Shared {
    private static let starting = Task { try await WorkspaceHost.start() }
    static var host: WorkspaceHost { get async throws { try await starting.value } }

    static func withWorkspace<Value>(
        _ policy: Policy = Policy(), _ body: (Workspace) async throws -> Value
    ) async throws -> Value {
        let workspace = try await host.open(policy)
        do {
            let value = try await body(workspace)
            await workspace.close()
            return value
        } catch {
            await workspace.close()
            throw error
        }
    }

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
