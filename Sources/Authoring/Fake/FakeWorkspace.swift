import Lua
import Plugins
import Synchronization
import Workspaces

/// A workspace in memory: files that behave as real ones, commands that somebody else answers.
final class FakeWorkspace: WorkspaceAccess {
    /// What a command is to do, in the words of a spec.
    typealias Answer = @Sendable (ExecRequest, _ isJob: Bool) async throws(WorkspaceError) -> LuaValue

    /// Lets virtual time pass.
    typealias Pass = @Sendable (Duration) -> Void

    private let files = Mutex(FakeFiles())
    private let answer: Answer
    private let pass: Pass
    /// The pids given so far; the first ones of a workspace are its own.
    private let started = Atomic(10)

    init(pass: @escaping Pass = { _ in }, answer: @escaping Answer) {
        self.pass = pass
        self.answer = answer
    }

    func exec(_ command: ExecRequest) async throws(WorkspaceError) -> ExecResult {
        try check(command)
        return ExecResult(scripted: try await answer(command, false), limit: command.outputLimit)
    }

    func startJob(_ command: ExecRequest) async throws(WorkspaceError) -> any JobAccess {
        try check(command)
        let pid = started.add(1, ordering: .relaxed).newValue
        return FakeJob(command, pid: pid, scripted: try await answer(command, true), pass: pass)
    }

    private func check(_ command: ExecRequest) throws(WorkspaceError) {
        guard let program = command.argv.first, !program.isEmpty else {
            throw WorkspaceError(.commandNotFound, "there is no program to execute: argv is empty")
        }
        // As the real one does before it looks for the program.
        let directory = command.directory
        guard
            let status = try attempt(
                "change to the directory", directory, { files throws(FakeFiles.Failure) in try files.status(directory) }
            )
        else { throw .failed(stage: "change to the directory", errno: Self.noEntry, path: directory) }
        guard status.kind == .directory else {
            throw .failed(stage: "change to the directory", errno: Self.notDirectory, path: directory)
        }
    }

    func read(_ path: String, offset: Int, limit: Int) async throws(WorkspaceError) -> [UInt8] {
        let bytes = try attempt("open", path) { files throws(FakeFiles.Failure) in try files.read(path) }
        return Array(bytes.dropFirst(offset).prefix(limit))
    }

    func write(
        _ path: String, _ bytes: [UInt8], mode: UInt16, append: Bool, createParents: Bool
    ) async throws(WorkspaceError) {
        try attempt("open", path) { files throws(FakeFiles.Failure) in
            try files.write(path, bytes, mode: mode, append: append, createParents: createParents)
        }
    }

    func list(_ path: String, recursive: Bool, limit: Int) async throws(WorkspaceError) -> FileListing {
        try attempt("list", path) { files throws(FakeFiles.Failure) in
            try files.list(path, recursive: recursive, limit: limit)
        }
    }

    func stat(_ path: String) async throws(WorkspaceError) -> FileStatus? {
        try attempt("look at", path) { files throws(FakeFiles.Failure) in try files.status(path) }
    }

    func remove(_ path: String, recursive: Bool) async throws(WorkspaceError) {
        try attempt("remove", path) { files throws(FakeFiles.Failure) in try files.remove(path, recursive: recursive) }
    }

    func makeDirectory(_ path: String) async throws(WorkspaceError) {
        try attempt("make the directory", path) { files throws(FakeFiles.Failure) in try files.makeDirectory(path) }
    }

    private static let noEntry: Int32 = 2
    private static let notDirectory: Int32 = 20

    private func attempt<Value: Sendable>(
        _ stage: String, _ path: String, _ body: (inout FakeFiles) throws(FakeFiles.Failure) -> Value
    ) throws(WorkspaceError) -> Value {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw WorkspaceError(.invalidPath, "a path must not be empty nor hold a NUL byte", path: path)
        }
        guard path.utf8.count < 4096 else {
            throw WorkspaceError(.tooBig, "the path has \(path.utf8.count) bytes, the limit is 4095", path: path)
        }
        let result = files.withLock { files in Result { () throws(FakeFiles.Failure) in try body(&files) } }
        do throws(FakeFiles.Failure) { return try result.get() } catch {
            throw .failed(stage: stage, errno: error.errno, path: path)
        }
    }
}
