import Lua
import Workspaces

/// The `ws` table.
struct WorkspaceFunctions {
    let session: HostSession

    /// Bytes kept of each output stream when the plugin does not say.
    static let defaultOutput = 1 << 20
    /// Bytes of a file when the plugin does not say.
    static let defaultRead = 8 << 20

    var functions: [LuaHostFunction] { [exec, read, list, stat, write, remove, makeDirectory] }

    private var permissions: EffectivePermissions { session.permissions }

    // MARK: Permissions

    private typealias Answer = @Sendable (any WorkspaceAccess, HostArguments) async throws(LuaHostError) -> LuaValue

    private func function(
        _ name: String, needing action: PluginAction, _ answer: @escaping Answer
    ) -> LuaHostFunction {
        if let denied = permissions.deniedFunction(name, needing: action) { return denied }
        let session = session
        return session.waiting(name) { arguments throws(LuaHostError) in
            guard let workspace = session.services.workspace else {
                throw LuaHostError.noWorkspace
            }
            return try await answer(workspace, arguments)
        }
    }

    private func readable(_ arguments: HostArguments) throws(LuaHostError) -> String {
        let path = try arguments.string(0)
        try permissions.check(.read(path))
        return path
    }

    private func writable(_ arguments: HostArguments) throws(LuaHostError) -> String {
        let path = try arguments.string(0)
        try permissions.check(.write(path))
        return path
    }

    // MARK: Commands

    private var exec: LuaHostFunction {
        let services = session.services
        return function("ws.exec", needing: .runPrograms) { workspace, arguments throws(LuaHostError) in
            let request = try execRequest(arguments)
            let options = try arguments.options(1)
            if let patience = try options.integer("patience_ms", 0...86_400_000) {
                return try await exec(request, patience: .milliseconds(patience))
            }
            let result: ExecResult
            do throws(WorkspaceError) { result = try await workspace.exec(request) } catch { throw LuaHostError(error) }
            services.onExec?(request, result)
            return LuaValue(result)
        }
    }

    /// A command that takes longer than `patience` goes on as a job.
    private func exec(_ request: ExecRequest, patience: Duration) async throws(LuaHostError) -> LuaValue {
        let workspace = try roomForJob()
        let outcome: PatientOutcome
        do throws(WorkspaceError) { outcome = try await workspace.exec(request, patience: patience) } catch {
            throw LuaHostError(error)
        }
        switch outcome {
        case .running(let job):
            let id = session.services.jobs.add(job)
            return JobFunctions.view(id, job, offset: 0, errorOffset: 0, limit: request.outputLimit)
        case .finished(let result):
            session.services.onExec?(request, result)
            return LuaValue(result)
        }
    }

    /// The workspace, if it may get another job.
    private func roomForJob() throws(LuaHostError) -> any WorkspaceAccess {
        guard let workspace = session.services.workspace else { throw .noWorkspace }
        guard session.services.jobs.running < JobTable.limit else {
            throw LuaHostError("E_BUSY", "\(JobTable.limit) jobs are running already; kill one, or wait for its end")
        }
        return workspace
    }

    func startJob(_ request: ExecRequest) async throws(LuaHostError) -> any JobAccess {
        let workspace = try roomForJob()
        do throws(WorkspaceError) { return try await workspace.startJob(request) } catch { throw LuaHostError(error) }
    }

    func execRequest(_ arguments: HostArguments) throws(LuaHostError) -> ExecRequest {
        guard let elements = arguments[0].array, let program = elements.first?.string else {
            throw arguments.wrong(0, "a list {program, argument, …}")
        }
        var request = ExecRequest(argv: [])
        for (index, element) in elements.enumerated() {
            switch element {
            case .bytes(let bytes): request.argv.append(bytes)
            case .int(let number): request.argv.append(Array(String(number).utf8))
            default:
                throw LuaHostError(
                    "E_ARGUMENT", "argv[\(index + 1)] of ws.exec must be a string, not \(element.typeName)")
            }
        }
        try permissions.check(.run(program))
        request.confinement = permissions.confinement
        let options = try arguments.options(1)
        if let directory = try options.string("cwd") { request.directory = directory }
        request.stdin = try options.bytes("stdin") ?? []
        request.keepsInput = try options.bool("keep_input")
        if try options.bool("pty") { request.terminal = TerminalSize() }
        if let value = try options.integer("timeout_ms", 1...86_400_000) { request.timeout = .milliseconds(value) }
        if let value = try options.integer("silence_ms", 1...86_400_000) {
            request.silenceTimeout = .milliseconds(value)
        }
        request.outputLimit = try options.integer("max_bytes", 0...(8 << 20)) ?? Self.defaultOutput
        for member in options["env"]?.object ?? [] {
            guard let value = member.value.string else { throw options.wrong("env", "a table of strings") }
            let name = String(decoding: member.key, as: UTF8.self)
            // By these, something else would run under a permitted program's name, or within it.
            if name == "PATH" || name.hasPrefix("LD_"), request.confinement.programs != nil {
                throw LuaHostError(
                    "E_PERMISSION", "a plugin that may run only some programs may not set \(name) for them")
            }
            request.environment[name] = value
        }
        return request
    }

    // MARK: Files

    private var read: LuaHostFunction {
        function("ws.read", needing: .readFiles) { workspace, arguments throws(LuaHostError) in
            let path = try readable(arguments)
            let options = try arguments.options(1)
            let limit = try options.integer("max_bytes", 0...(15 << 20)) ?? Self.defaultRead
            let offset = try options.integer("offset", 0...Int(Int64.max / 2)) ?? 0
            let bytes: [UInt8]
            do throws(WorkspaceError) {
                bytes = try await workspace.read(path, offset: offset, limit: limit + 1)
            } catch {
                if error.code == .notFound, try options.string("missing") == "nil" { return .null }
                throw LuaHostError(error)
            }
            guard bytes.count <= limit else {
                throw LuaHostError(
                    "E_TOO_BIG", "\(path) holds more than \(limit) bytes; read a part with offset and max_bytes",
                    details: ["path": .string(path)])
            }
            switch try options.string("encoding") {
            case nil: return .bytes(bytes)
            case "base64": return .bytes(Base64.encode(bytes))
            default: throw options.wrong("encoding", "\"base64\"")
            }
        }
    }

    private var list: LuaHostFunction {
        function("ws.list", needing: .readFiles) { workspace, arguments throws(LuaHostError) in
            let path = try readable(arguments)
            let options = try arguments.options(1)
            let maximum = try options.integer("max", 1...100_000) ?? 10_000
            let recursive = try options.bool("recursive")
            do throws(WorkspaceError) {
                return LuaValue(try await workspace.list(path, recursive: recursive, limit: maximum))
            } catch { throw LuaHostError(error) }
        }
    }

    /// Who writes a file may know of it too.
    private var stat: LuaHostFunction {
        function("ws.stat", needing: permissions.allows(.writeFiles) ? .writeFiles : .readFiles) {
            workspace, arguments throws(LuaHostError) in
            let path = try arguments.string(0)
            if !permissions.allows(.write(path)) { try permissions.check(.read(path)) }
            do throws(WorkspaceError) {
                return try await workspace.stat(path).map { LuaValue($0) } ?? .null
            } catch { throw LuaHostError(error) }
        }
    }

    private var write: LuaHostFunction {
        function("ws.write", needing: .writeFiles) { workspace, arguments throws(LuaHostError) in
            let path = try writable(arguments)
            let bytes = try arguments.bytes(1)
            let options = try arguments.options(2)
            let mode = UInt16(try options.integer("mode", 0...0o7777) ?? 0o644)
            let append = try options.bool("append")
            do throws(WorkspaceError) {
                try await workspace.write(path, bytes, mode: mode, append: append, createParents: true)
            } catch { throw LuaHostError(error) }
            return .null
        }
    }

    private var remove: LuaHostFunction {
        function("ws.remove", needing: .writeFiles) { workspace, arguments throws(LuaHostError) in
            let path = try writable(arguments)
            let recursive = try arguments.options(1).bool("recursive")
            do throws(WorkspaceError) { try await workspace.remove(path, recursive: recursive) } catch {
                throw LuaHostError(error)
            }
            return .null
        }
    }

    private var makeDirectory: LuaHostFunction {
        function("ws.mkdir", needing: .writeFiles) { workspace, arguments throws(LuaHostError) in
            let path = try writable(arguments)
            do throws(WorkspaceError) { try await workspace.makeDirectory(path) } catch { throw LuaHostError(error) }
            return .null
        }
    }
}
