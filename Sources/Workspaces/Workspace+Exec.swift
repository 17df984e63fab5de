import Glibc
import WorkspaceShim

extension Workspace {
    /// Runs a command and returns when it has ended, with all that it wrote until then. What it leaves running neither delays
    /// the return nor loses output. A non-zero exit is a result, not an error.
    ///
    /// - Throws: `commandNotFound`, `notExecutable`, `notFound` or `permission` (of the directory), `tooBig` (arguments),
    ///   `closed`. A timeout is a result. When the task is cancelled the command is killed, and the result says so.
    public func exec(_ request: ExecRequest) async throws(WorkspaceError) -> ExecResult {
        let id = nextRequest()
        let message = try Self.message(request, id: id)
        let command = try RunningCommand(request, reactor)
        do {
            defer { for descriptor in command.itsDescriptors { Glibc.close(descriptor) } }
            let channel = try register(command, id: id)
            command.startStreams()
            var outgoing = message
            outgoing.descriptors = command.itsDescriptors
            try channel.send(outgoing)
        } catch {
            unregister(id)
            command.closeStreams()
            throw error
        }
        let watchdog = request.silenceTimeout.map { watchSilence(of: command, id: id, $0) }
        defer { watchdog?.cancel() }
        return try await withTaskCancellationHandler {
            await command.outcome.value
        } onCancel: {
            kill(id, reason: ISE_ENDED_CANCELLED)
        }.get()
    }

    private static func message(_ request: ExecRequest, id: UInt32) throws(WorkspaceError) -> OutgoingMessage {
        guard let program = request.argv.first, !program.isEmpty else {
            throw WorkspaceError(.commandNotFound, "there is no program to execute: argv is empty")
        }
        guard !request.argv.contains(where: { $0.contains(0) }) else {
            throw WorkspaceError(.invalidPath, "an argument must not hold a NUL byte")
        }
        var message = OutgoingMessage(ISE_EXEC, id: id)
        for argument in request.argv { message.add(ISE_T_ARGUMENT, bytes: argument + [0]) }
        for (name, value) in environment(request).sorted(by: { $0.key < $1.key }) {
            guard !name.isEmpty, !name.contains("="), !(name + value).utf8.contains(0) else {
                throw WorkspaceError(.invalidPath, "\"\(name)\" cannot be the name of an environment variable")
            }
            message.add(ISE_T_ENVIRONMENT, string: name + "=" + value)
        }
        message.add(ISE_T_CWD, string: try absolute(request.directory))
        message.add(ISE_T_TIMEOUT_NS, request.timeout.nanoseconds)
        guard message.bytes.count < Int(ISE_MAX_MESSAGE) else {
            throw WorkspaceError(
                .tooBig, "the arguments and the environment have \(message.bytes.count) bytes, the kernel takes far less")
        }
        return message
    }

    private static func environment(_ request: ExecRequest) -> [String: String] {
        let own = [
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", "HOME": home, "USER": "user",
            "LOGNAME": "user", "SHELL": "/bin/bash", "LANG": "C.UTF-8", "TZ": "UTC", "TERM": "dumb",
        ]
        return own.merging(request.environment) { $1 }
    }

    /// Ends the command when neither stream has grown for `limit`.
    private func watchSilence(of command: RunningCommand, id: UInt32, _ limit: Duration) -> Task<Void, Never> {
        Task { [weak self] in
            var seen = -1
            while !Task.isCancelled {
                let total = command.stdout.totalBytes + command.stderr.totalBytes
                if total == seen {
                    self?.kill(id, reason: ISE_ENDED_SILENCE)
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
                .notExecutable, "\(program): cannot execute: \(WorkspaceError.reason(error))", path: program, errno: error)
        case ("execute", E2BIG):
            return WorkspaceError(.tooBig, "\(program): the argument list is too long", path: program, errno: error)
        case ("execute", _): return .failed(stage: stage, errno: error, path: program)
        case ("change to the directory", _): return .failed(stage: stage, errno: error, path: request.directory)
        default: return .failed(stage: stage, errno: error)
        }
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
