import Glibc
import JSON
import Plugins
import Synchronization

@testable import Workspaces

/// A directory of plugins that is deleted when it goes out of use.
final class PluginDirectory: Sendable {
    let path: String

    /// Files by their path below the directory.
    init(_ files: [String: String] = [:]) {
        var template = Array("/tmp/ise-plugins-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? ""
        }
        for (name, text) in files { write(name, text) }
    }

    deinit { Self.remove(path) }

    func write(_ name: String, _ text: String) {
        var folder = path
        for part in name.split(separator: "/").dropLast() {
            folder += "/" + part
            mkdir(folder, 0o755)
        }
        let descriptor = open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        _ = Glibc.write(descriptor, bytes, bytes.count)
    }

    func link(_ name: String, to target: String) { symlink(target, path + "/" + name) }

    func remove(_ name: String) { unlink(path + "/" + name) }

    func makeFolder(_ name: String) { mkdir(path + "/" + name, 0o755) }

    func load() -> PluginCatalog { .load(from: [path]) }

    private static func remove(_ path: String) {
        if let stream = opendir(path) {
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                guard name != ".", name != ".." else { continue }
                var status = stat()
                let child = path + "/" + name
                if lstat(child, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
                    remove(child)
                } else {
                    unlink(child)
                }
            }
            closedir(stream)
        }
        rmdir(path)
    }
}

/// A manifest with what is given put over a small default.
func manifest(_ kind: String = "tool", _ name: String = "probe", _ extra: JSONObject = [:]) -> String {
    var object: JSONObject = [
        "api": 1, "kind": .string(kind), "name": .string(name), "version": "1.0.0", "description": "For a test.",
    ]
    for member in extra.members { object[member.key] = member.value }
    return JSONValue.object(object).compact
}

/// A tool "probe" with the given source, loaded.
func probe(
    _ source: String, _ extra: JSONObject = [:], host: HostServices = HostServices(), seed: UInt64 = 1,
    config: JSONValue = [:], files: [String: String] = [:]
) async throws -> PluginInstance {
    var all = ["tools/probe/plugin.json": manifest("tool", "probe", extra), "tools/probe/main.lua": source]
    for (name, text) in files { all["tools/probe/\(name)"] = text }
    let directory = PluginDirectory(all)
    let plugin = try directory.load().plugin(kind: .tool, named: "probe")
    return try await PluginInstance(plugin, host: host, seed: seed, config: config)
}

/// Files in memory, and scripted answers of commands.
final class FakeWorkspace: WorkspaceAccess {
    let files = Mutex<[String: [UInt8]]>([:])
    let requests = Mutex<[ExecRequest]>([])
    private let answer: @Sendable (ExecRequest) async -> ExecResult

    init(
        _ files: [String: String] = [:],
        exec: @escaping @Sendable (ExecRequest) async -> ExecResult = { _ in FakeWorkspace.result() }
    ) {
        answer = exec
        self.files.withLock { all in for (path, text) in files { all[path] = Array(text.utf8) } }
    }

    static func result(_ stdout: String = "", code: Int? = 0, signal: Int? = nil, endedBy: ExecEnd = .exit)
        -> ExecResult
    {
        ExecResult(
            exitCode: code, signal: signal, endedBy: endedBy, stdout: CapturedOutput(head: Array(stdout.utf8)),
            stderr: CapturedOutput(head: Array("warn".utf8), tail: Array("!".utf8), totalBytes: 100),
            wall: .milliseconds(12),
            userCPU: .zero, systemCPU: .zero, maxRSSBytes: 0, leftRunning: [LeftProcess(pid: 9, command: "sleep")],
            denials: [])
    }

    func exec(_ command: ExecRequest) async throws(WorkspaceError) -> ExecResult {
        requests.withLock { $0.append(command) }
        if command.argv.first == Array("missing".utf8) {
            throw WorkspaceError(.commandNotFound, "missing: command not found", path: "missing")
        }
        return await answer(command)
    }

    func read(_ path: String, offset: Int, limit: Int) async throws(WorkspaceError) -> [UInt8] {
        guard let bytes = files.withLock({ $0[path] }) else {
            throw WorkspaceError(.notFound, "could not open \(path): No such file or directory", path: path)
        }
        return Array(bytes.dropFirst(offset).prefix(limit))
    }

    func write(
        _ path: String, _ bytes: [UInt8], mode: UInt16, append: Bool, createParents: Bool
    ) async throws(WorkspaceError) {
        files.withLock { $0[path] = (append ? $0[path] ?? [] : []) + bytes }
    }

    func list(_ path: String, recursive: Bool, limit: Int) async throws(WorkspaceError) -> FileListing {
        let all = files.withLock { $0 }.sorted { $0.key < $1.key }
        let entries = all.prefix(limit).map { path, bytes in
            FileListing.Entry(
                path: path, status: FileStatus(kind: .file, size: bytes.count, mode: 0o644, modified: 0))
        }
        return FileListing(entries: Array(entries), truncated: all.count > limit)
    }

    func stat(_ path: String) async throws(WorkspaceError) -> FileStatus? {
        files.withLock { $0[path] }.map { FileStatus(kind: .file, size: $0.count, mode: 0o600, modified: 0) }
    }

    func remove(_ path: String, recursive: Bool) async throws(WorkspaceError) {
        files.withLock { $0[path] = nil }
    }

    func makeDirectory(_ path: String) async throws(WorkspaceError) {}
}
