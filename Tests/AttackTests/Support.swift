import Basics
import Glibc
import TestSupport
import Testing

@testable import Workspaces

/// What the attacks are made on.
typealias Target = SharedHost

extension SharedHost {
    static func shell(_ command: String, _ policy: Policy = Policy()) async throws -> ExecResult {
        try await withWorkspace(policy) { try await $0.exec(.shell(command, timeout: .seconds(60))) }
    }

    /// Runs one probe in a workspace of its own.
    static func probe(_ arguments: String..., policy: Policy = Policy()) async throws -> Seen {
        try await withWorkspace(policy) { try await $0.probe(arguments) }
    }

    static let probeProgram = EmbeddedProgram.decode(probeImageBase64)
}

/// What a probe printed, name by name.
struct Seen {
    var result: ExecResult
    var values: [String: String] = [:]

    init(_ result: ExecResult) {
        self.result = result
        for line in result.stdout.text.split(separator: "\n") {
            guard let equals = line.lastIndex(of: "=") else { continue }
            values[String(line[..<equals])] = String(line[line.index(after: equals)...])
        }
    }

    subscript(_ name: String) -> String { values[name] ?? "nothing seen" }

    func number(_ name: String) -> Int? { values[name].flatMap { Int($0) } }

    /// Every try ended in one of `allowed`; there were some.
    func expectAll(
        _ allowed: Set<String>, except: [String: String] = [:], _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(!values.isEmpty, "the probe saw nothing: \(result.stderr.text)", sourceLocation: location)
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            if let exception = except[name] {
                #expect(value == exception, "\(name): \(value)", sourceLocation: location)
            } else {
                #expect(allowed.contains(value), "\(name): \(value)", sourceLocation: location)
            }
        }
    }
}

extension Workspace {
    func probe(_ arguments: String..., timeout: Duration = .seconds(60)) async throws -> Seen {
        try await probe(arguments, timeout: timeout)
    }

    func probe(_ arguments: [String], timeout: Duration = .seconds(60)) async throws -> Seen {
        try await installProbe()
        let request = ExecRequest(argv: ["/tmp/probe"] + arguments, timeout: timeout)
        // A program just written is "busy" while a child that another test is starting still holds a copy of the descriptor.
        var result = await outcome(of: request)
        for _ in 0..<200 {
            guard case .failure(let error) = result, error.errno == ETXTBSY else { break }
            try await Task.sleep(for: .milliseconds(5))
            result = await outcome(of: request)
        }
        return Seen(try result.get())
    }

    private func outcome(of request: ExecRequest) async -> Result<ExecResult, WorkspaceError> {
        do throws(WorkspaceError) { return .success(try await exec(request)) } catch { return .failure(error) }
    }

    func installProbe() async throws {
        if try await stat("/tmp/probe") == nil { try await write("/tmp/probe", Target.probeProgram, mode: 0o755) }
    }
}

// MARK: The host, to be left as it was

var isRoot: Bool { geteuid() == 0 }

func hostBytes(_ path: String) -> [UInt8] {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { Glibc.close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let length = Glibc.read(descriptor, &buffer, buffer.count)
        if length <= 0 { return bytes }
        bytes += buffer[..<length]
    }
}

func hostFile(_ path: String) -> String { String(decoding: hostBytes(path), as: UTF8.self) }

func hostEntries(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}

/// Pids of processes whose command line holds `text` (arguments end with NUL).
func hostProcesses(withCommand text: String) -> [pid_t] {
    hostEntries("/proc").compactMap { pid_t($0) }.filter { hostFile("/proc/\($0)/cmdline").contains(text) }
}

/// A number that no other test uses, to be recognized in command lines.
func marker(_ number: Int) -> String { "4\(getpid())\(number)" }

/// A directory of the host, deleted after `body`.
func withHostDirectory<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/ise-attack-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw WorkspaceError(.io, "could not make a directory in \(base)") }
    let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    defer {
        for name in hostEntries(path) { unlink(path + "/" + name) }
        rmdir(path)
    }
    return try await body(path)
}

func writeHostFile(_ path: String, _ bytes: [UInt8], mode: mode_t = 0o644) {
    let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    _ = Glibc.write(descriptor, bytes, bytes.count)
    fchmod(descriptor, mode)
    close(descriptor)
}

/// Asks again until it is so; what the kernel does after it has answered needs that.
func eventually(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<1000 {
        if condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}

/// Nil when `body` has not ended by then: a host that hangs must fail a test, not hang it.
func within<Value: Sendable>(_ limit: Duration, _ body: @escaping @Sendable () async throws -> Value) async throws
    -> Value?
{
    let work = Task { try await body() }
    return try await withThrowingTaskGroup(of: Value?.self) { group in
        let done = OneShot<Result<Value, any Error>?>()
        Task { done.set(await work.result) }
        Task {
            try? await Task.sleep(for: limit)
            done.set(nil)
        }
        group.addTask { try await done.value?.get() }
        return try await group.next() ?? nil
    }
}

/// Runs a program of the host and returns what it wrote.
func runOnHost(_ path: String, _ arguments: [String]) async -> String {
    await blocking {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return "" }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        for end in ends { posix_spawn_file_actions_addclose(&actions, end) }
        var argv = ([path] + arguments).map { strdup($0) } + [nil]
        var pid: pid_t = 0
        var error = posix_spawn(&pid, path, &actions, nil, &argv, environ)
        // A program just written is "busy" while a child that another thread is starting still holds a copy of the descriptor.
        for _ in 0..<200 where error == ETXTBSY {
            usleep(5000)
            error = posix_spawn(&pid, path, &actions, nil, &argv, environ)
        }
        for argument in argv { free(argument) }
        posix_spawn_file_actions_destroy(&actions)
        close(ends[1])
        defer { close(ends[0]) }
        guard error == 0 else { return "" }
        let text = hostFile("/proc/self/fd/\(ends[0])")
        waitpid(pid, nil, 0)
        return text
    }
}
