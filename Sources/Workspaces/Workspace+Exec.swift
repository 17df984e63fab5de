import Glibc
import WorkspaceShim

extension Workspace {
    /// Runs a command and returns when it has ended, with all that it wrote until then. What it leaves running neither delays
    /// the return nor loses output. A non-zero exit is a result, not an error.
    ///
    /// - Throws: `commandNotFound`, `notExecutable`, `notFound` or `permission` (of the directory, or of a program that the
    ///   confinement does not name), `tooBig` (arguments), `limitUnenforceable` (a confinement that the kernel cannot enforce),
    ///   `closed`. A timeout is a result. When the task is cancelled the command is killed, and the result says so.
    public func exec(_ request: ExecRequest) async throws(WorkspaceError) -> ExecResult {
        try await noteOwnChanges()
        let (command, id) = try send(request, try await enforced(request.confinement))
        var result = try await withTaskCancellationHandler {
            await command.outcome.value
        } onCancel: {
            signal(id, SIGKILL, reason: ISE_ENDED_CANCELLED)
        }.get()
        if result.exitCode != 0 { addLimitHits(to: &result) }
        try await addChanges(to: &result)
        return result
    }

    /// Says which limits were hit since the last time. `exec` does this by itself; a job's result has it only by this.
    public func addLimitHits(to result: inout ExecResult) {
        result.limitHits = newLimitHits()
        if result.signal == Int(SIGKILL), result.endedBy == .signal,
            result.limitHits.contains(where: { $0.limit == .memory })
        {
            result.endedBy = .memoryLimit
        }
    }

    /// Sends the request; the command's end, or why it did not come to run, will be its outcome.
    ///
    /// - Parameter announced: the init says when it runs.
    func send(
        _ request: ExecRequest, _ confinement: EnforcedConfinement, announced: Bool = false
    ) throws(WorkspaceError) -> (RunningCommand, UInt32) {
        let id = nextRequest()
        var message = try Self.message(request, policy.network.environment(port: confinement.proxyPort), id: id)
        try confinement.add(to: &message, on: isolation)
        let command = RunningCommand(request, reactor, egress)
        if announced || request.terminal != nil { message.add(ISE_T_FLAGS, 1) }
        message.descriptors = try command.makePipes()
        if isolation.startedAsRoot {
            // Only the owner of a pipe may open it anew, as scripts do by way of /dev/stdout.
            let first = state.withLock { $0.session }?.firstID.load(ordering: .relaxed) ?? Template.idBase
            let owner = first + (policy.identity == .root ? 0 : 1000)
            for descriptor in message.descriptors { fchown(descriptor, owner, owner) }
        }
        defer { for descriptor in message.descriptors { Glibc.close(descriptor) } }
        do {
            try register(command, id: id).send(message)
        } catch {
            unregister(id)
            command.closeStreams()
            throw error
        }
        if let limit = request.silenceTimeout { watchSilence(of: command, id: id, limit) }
        return (command, id)
    }

    private static func message(
        _ request: ExecRequest, _ network: [String: String], id: UInt32
    ) throws(WorkspaceError) -> OutgoingMessage {
        guard let program = request.argv.first, !program.isEmpty else {
            throw WorkspaceError(.commandNotFound, "there is no program to execute: argv is empty")
        }
        guard !request.argv.contains(where: { $0.contains(0) }) else {
            throw WorkspaceError(.invalidPath, "an argument must not hold a NUL byte")
        }
        var message = OutgoingMessage(ISE_EXEC, id: id)
        for argument in request.argv { message.add(ISE_T_ARGUMENT, bytes: argument + [0]) }
        for (name, value) in environment(request, network).sorted(by: { $0.key < $1.key }) {
            guard !name.isEmpty, !name.contains("="), !(name + value).utf8.contains(0) else {
                throw WorkspaceError(.invalidPath, "\"\(name)\" cannot be the name of an environment variable")
            }
            message.add(ISE_T_ENVIRONMENT, string: name + "=" + value)
        }
        message.add(ISE_T_CWD, string: try absolute(request.directory))
        message.add(ISE_T_TIMEOUT_NS, request.timeout.nanoseconds)
        if request.probesWalls { message.add(ISE_T_PROBE, 1) }
        if let terminal = request.terminal {
            message.add(ISE_T_TERMINAL, UInt32(max(1, terminal.rows)) << 16 | UInt32(terminal.columns))
        }
        for (resource, value) in request.limits.values {
            message.add(
                ISE_T_RLIMIT, bytes: [UInt64(resource.rawValue), UInt64(max(0, value))].withUnsafeBytes(Array.init))
        }
        guard message.bytes.count < Int(ISE_MAX_MESSAGE) else {
            throw WorkspaceError(
                .tooBig,
                "the arguments and the environment have \(message.bytes.count) bytes, the kernel takes far less")
        }
        return message
    }

    private static func environment(_ request: ExecRequest, _ network: [String: String]) -> [String: String] {
        let own = [
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", "HOME": home, "USER": "user",
            "LOGNAME": "user", "SHELL": "/bin/bash", "LANG": "C.UTF-8", "TZ": "UTC", "TERM": "dumb",
        ]
        return own.merging(network) { $1 }.merging(request.environment) { $1 }
    }

    /// Ends the command when neither stream has grown for `limit`.
    private func watchSilence(of command: RunningCommand, id: UInt32, _ limit: Duration) {
        Task { [weak self] in
            var seen = -1
            while command.outcome.valueIfSet == nil {
                let total = command.stdout.totalBytes + command.stderr.totalBytes
                if total == seen, !command.stdout.isHeldBack, !command.stderr.isHeldBack {
                    self?.signal(id, SIGKILL, reason: ISE_ENDED_SILENCE)
                    return
                }
                seen = total
                try? await Task.sleep(for: limit)
            }
        }
    }
}

extension RunningCommand {
    /// A command that did not come to run: which step failed, on what.
    func startFailure(_ message: IncomingMessage) -> WorkspaceError {
        let stage = message.field(ISE_T_STAGE)?.string ?? ""
        let error = Int32(truncatingIfNeeded: message.field(ISE_T_ERRNO)?.number ?? 0)
        let program = String(decoding: request.argv[0], as: UTF8.self)
        switch (stage, error) {
        case ("execute", ENOENT):
            return WorkspaceError(.commandNotFound, "\(program): command not found", path: program, errno: error)
        case ("execute", EACCES), ("execute", ENOEXEC):
            return WorkspaceError(
                .notExecutable, "\(program): cannot execute: \(WorkspaceError.reason(error))", path: program,
                errno: error)
        case ("execute", E2BIG):
            return WorkspaceError(.tooBig, "\(program): the argument list is too long", path: program, errno: error)
        case ("run a program that it may not", _):
            let programs = request.confinement.programs ?? []
            return WorkspaceError(
                .permission,
                "\(program): this command may not run it: it may run "
                    + (programs.isEmpty ? "nothing" : programs.joined(separator: ", ")),
                path: program, errno: error)
        case ("execute", _): return .failed(stage: stage, errno: error, path: program)
        case ("change to the directory", _): return .failed(stage: stage, errno: error, path: request.directory)
        default: return .failed(stage: stage, errno: error)
        }
    }
}

extension ProcessLimits {
    var values: [(__rlimit_resource, Int)] {
        [
            (RLIMIT_CPU, cpuSeconds), (RLIMIT_AS, memoryBytes), (RLIMIT_FSIZE, fileBytes), (RLIMIT_NOFILE, openFiles),
            (__RLIMIT_NPROC, processes),
        ].compactMap { resource, value in value.map { (resource, $0) } }
    }
}

extension Duration {
    /// Saturates at about 292 years.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product.addingReportingOverflow(attoseconds / 1_000_000_000).partialValue
    }
}
