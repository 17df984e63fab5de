import Basics
import Glibc
import Lua
import Workspaces

/// Commands that run on: `ws.start` and the `job` table. Lua holds an id, never the job itself.
struct JobFunctions {
    let session: HostSession

    var functions: [LuaHostFunction] { [start, poll, wait, write, keys, finish, signal, kill, resize, list, remove] }

    private var jobs: JobTable { session.services.jobs }
    private var commands: WorkspaceFunctions { WorkspaceFunctions(session: session) }

    private typealias Answer = @Sendable (String, any JobAccess, HostArguments) async throws(LuaHostError) -> LuaValue

    /// A function of the job whose id is its first argument.
    private func function(_ name: String, acts: Bool = false, _ answer: @escaping Answer) -> LuaHostFunction {
        if let denied = session.permissions.deniedFunction(name, needing: .runPrograms) { return denied }
        let session = session
        return session.waiting(name, acts: acts) { arguments throws(LuaHostError) in
            let id = try arguments.string(0)
            guard let job = session.services.jobs[id] else {
                let known = session.services.jobs.entries.map(\.id)
                throw LuaHostError(
                    "E_NOJOB",
                    "there is no job \"\(id)\""
                        + (known.isEmpty ? "; none was started" : "; there are \(known.joined(separator: ", "))"))
            }
            return try await answer(id, job, arguments)
        }
    }

    private var start: LuaHostFunction {
        if let denied = session.permissions.deniedFunction("ws.start", needing: .runPrograms) { return denied }
        let (session, commands) = (session, commands)
        return session.waiting("ws.start", acts: true) { arguments throws(LuaHostError) in
            let job = try await commands.startJob(commands.execRequest(arguments))
            return ["job": .string(session.services.jobs.add(job)), "pid": .int(job.pid)]
        }
    }

    // MARK: Looking

    private var poll: LuaHostFunction {
        function("job.poll") { id, job, arguments throws(LuaHostError) in
            let options = try arguments.options(1)
            let offset = try options.integer("offset", 0...Int(Int64.max / 2)) ?? 0
            let errorOffset = try options.integer("error_offset", 0...Int(Int64.max / 2)) ?? 0
            let limit = try options.integer("max_bytes", 0...(8 << 20)) ?? WorkspaceFunctions.defaultOutput
            if let patience = try options.integer("wait_ms", 0...86_400_000), job.result == nil {
                try await waitForOutput(of: job, beyond: offset + errorOffset, .milliseconds(patience))
            }
            return Self.view(id, job, offset: offset, errorOffset: errorOffset, limit: limit)
        }
    }

    /// Returns when it has ended, when it has written something new and then nothing for a moment, or after `patience`.
    private func waitForOutput(
        of job: any JobAccess, beyond start: Int, _ patience: Duration
    ) async throws(LuaHostError) {
        var left = patience
        var seen = job.stdout.totalBytes + job.stderr.totalBytes
        while left > .zero {
            let time = min(left, .milliseconds(100))
            left -= time
            do throws(WorkspaceError) { if try await job.wait(atMost: time) != nil { return } } catch {
                throw LuaHostError(error)
            }
            let now = job.stdout.totalBytes + job.stderr.totalBytes
            if now > start, now == seen { return }
            seen = now
        }
    }

    private var wait: LuaHostFunction {
        let services = session.services
        return function("job.wait") { id, job, arguments throws(LuaHostError) in
            let options = try arguments.options(1)
            let patience = try options.integer("at_most_ms", 0...86_400_000) ?? 86_400_000
            let result: ExecResult?
            do throws(WorkspaceError) { result = try await job.wait(atMost: .milliseconds(patience)) } catch {
                throw LuaHostError(error)
            }
            services.tellEndedJobs()
            return result.map { LuaValue($0) } ?? .null
        }
    }

    private var list: LuaHostFunction {
        if let denied = session.permissions.deniedFunction("job.list", needing: .runPrograms) { return denied }
        let session = session
        return session.waiting("job.list") { _ throws(LuaHostError) in
            session.services.tellEndedJobs()
            return .array(
                session.services.jobs.entries.map { entry in
                    var members = Self.members(entry.id, entry.job)
                    members.append(.init("argv", .array(entry.job.request.argv.map { .bytes($0) })))
                    members.append(.init("terminal", .bool(entry.job.request.terminal != nil)))
                    members.append(.init("stdout_bytes", .int(entry.job.stdout.totalBytes)))
                    members.append(.init("stderr_bytes", .int(entry.job.stderr.totalBytes)))
                    return .object(members)
                })
        }
    }

    // MARK: Acting

    private var write: LuaHostFunction {
        function("job.write", acts: true) { _, job, arguments throws(LuaHostError) in
            .bool(job.write(try arguments.bytes(1)))
        }
    }

    private var keys: LuaHostFunction {
        function("job.keys", acts: true) { _, job, arguments throws(LuaHostError) in
            guard let names = arguments[1].array else { throw arguments.wrong(1, "a list of key names") }
            var bytes: [UInt8] = []
            for name in names {
                guard let text = name.string, let key = TerminalKeys.bytes(text) else {
                    throw LuaHostError(
                        "E_ARGUMENT",
                        "job.keys knows no key \"\(name.string ?? name.typeName)\"; it knows single characters, C-x, M-x, "
                            + TerminalKeys.names.joined(separator: ", "))
                }
                bytes += key
            }
            return .bool(job.write(bytes))
        }
    }

    private var finish: LuaHostFunction {
        function("job.finish_input", acts: true) { _, job, _ throws(LuaHostError) in
            job.finishInput()
            return .null
        }
    }

    private var signal: LuaHostFunction {
        function("job.signal", acts: true) { _, job, arguments throws(LuaHostError) in
            let name = arguments.text(1).uppercased()
            guard
                let number = Self.signals[name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name] ?? arguments[1].int,
                (1...64).contains(number)
            else {
                throw arguments.wrong(
                    1, "a signal's number or name (\(Self.signals.keys.sorted().joined(separator: ", ")))")
            }
            job.signal(Int32(number))
            return .null
        }
    }

    private static let signals = [
        "HUP": Int(SIGHUP), "INT": Int(SIGINT), "QUIT": Int(SIGQUIT), "KILL": Int(SIGKILL), "USR1": Int(SIGUSR1),
        "USR2": Int(SIGUSR2), "TERM": Int(SIGTERM), "CONT": Int(SIGCONT), "STOP": Int(SIGSTOP), "TSTP": Int(SIGTSTP),
        "WINCH": Int(SIGWINCH),
    ]

    /// Kills it and all that it started, and waits until that is done.
    private var kill: LuaHostFunction {
        let services = session.services
        return function("job.kill", acts: true) { _, job, _ throws(LuaHostError) in
            if job.result == nil { job.signal(SIGKILL) }
            let result: ExecResult?
            do throws(WorkspaceError) { result = try await job.wait(atMost: .seconds(10)) } catch {
                throw LuaHostError(error)
            }
            services.tellEndedJobs()
            return result.map { LuaValue($0) } ?? .null
        }
    }

    private var resize: LuaHostFunction {
        function("job.resize") { _, job, arguments throws(LuaHostError) in
            guard let rows = arguments[1].int, let columns = arguments[2].int, (1...1000).contains(rows),
                (1...1000).contains(columns)
            else { throw arguments.wrong(1, "rows, then columns, each from 1 to 1000") }
            job.resize(TerminalSize(rows: UInt16(rows), columns: UInt16(columns)))
            return .null
        }
    }

    private var remove: LuaHostFunction {
        let services = session.services
        return function("job.remove") { id, job, _ throws(LuaHostError) in
            guard job.result != nil else { throw LuaHostError("E_BUSY", "\(id) is still running; kill it first") }
            services.tellEndedJobs()
            services.jobs.remove(id)
            return .null
        }
    }

    // MARK: Views

    static func members(_ id: String, _ job: any JobAccess) -> [LuaValue.Member] {
        var members: [LuaValue.Member] = [
            .init("job", .string(id)), .init("pid", .int(job.pid)), .init("running", .bool(job.result == nil)),
        ]
        guard let result = job.result else { return members }
        members.append(.init("ended_by", .string(result.endedBy.rawValue)))
        if let code = result.exitCode { members.append(.init("code", .int(code))) }
        if let signal = result.signal { members.append(.init("signal", .int(signal))) }
        members.append(.init("wall_ms", .int(result.wall.wholeMilliseconds)))
        return members
    }

    /// The state of a job with what it wrote from the offsets on.
    static func view(_ id: String, _ job: any JobAccess, offset: Int, errorOffset: Int, limit: Int) -> LuaValue {
        // The end first: what was written before it is there then.
        var members = members(id, job)
        let (stdout, stderr) = (job.stdout.from(offset, limit: limit), job.stderr.from(errorOffset, limit: limit))
        members.append(.init("stdout", .bytes(stdout.bytes)))
        members.append(.init("stderr", .bytes(stderr.bytes)))
        members.append(.init("offset", .int(stdout.next)))
        members.append(.init("error_offset", .int(stderr.next)))
        members.append(.init("missed", .int(stdout.missed + stderr.missed)))
        return .object(members)
    }
}

extension CapturedOutput {
    /// What was kept from byte `offset` on, `limit` bytes at most, where to go on, and how many bytes between were not kept.
    func from(_ offset: Int, limit: Int) -> (bytes: [UInt8], next: Int, missed: Int) {
        let all = bytes
        // Where the kept tail begins in what was written; the whole stream is one piece when nothing is missing.
        let gap = totalBytes - all.count
        var start = min(offset, totalBytes)
        var missed = 0
        if truncated, start >= head.count, start < head.count + gap {
            missed = head.count + gap - start
            start = head.count + gap
        }
        let isInTail = truncated && start >= head.count + gap
        let first = isInTail ? start - gap : start
        let end = truncated && !isInTail ? head.count : all.count
        let piece = Array(all[min(first, end)..<end].prefix(limit))
        return (piece, start + piece.count, missed)
    }
}
