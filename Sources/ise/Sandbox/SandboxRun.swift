import Basics
import Glibc
import JSON
import Runs
import Workspaces

/// What `ise sandbox` was asked for.
struct SandboxWork: Sendable {
    var policy: PolicyFile
    var request: ExecRequest
    var workdir: String?
    var keep: String?
    var keepLimits = KeepLimits()
    var asJSON = false
    /// Somebody has given one: it holds in a terminal, too.
    var hasOwnTimeout = false
}

/// One command in a workspace, from the first look at the machine to the exit status.
struct SandboxRun {
    private var work: SandboxWork
    private let terminal = Terminal()
    private let signals: SandboxSignals

    init(_ work: SandboxWork) {
        self.work = work
        signals = SandboxSignals(terminal)
        let hasTimeout = work.hasOwnTimeout
        work.policy.bound(&self.work.request)
        self.work.request.streamsOutput = !work.asJSON
        self.work.request.keepsInput = true
        if !work.asJSON { self.work.request.outputLimit = 0 }
        if !work.asJSON, Terminal.isThere {
            self.work.request.terminal = Terminal.size
            if !hasTimeout { self.work.request.timeout = .zero }
            if let kind = Terminal.kind, work.request.environment["TERM"] == nil {
                self.work.request.environment["TERM"] = kind
            }
        }
    }

    /// Runs it and says what there is to say.
    func status() async -> CInt {
        signals.watch()
        var made: String?
        do throws(WorkspaceError) {
            if let keep = work.keep {
                try Self.makeNew(keep)
                made = keep
            }
            let host = try await WorkspaceHost.start(try work.policy.hostOptions())
            let outcome: Result<CInt, WorkspaceError>
            do throws(WorkspaceError) {
                let workspace = try await host.open(policy)
                outcome = .success(try await run(in: workspace))
            } catch { outcome = .failure(error) }
            terminal.restore()
            await host.shutdown()
            return try outcome.get()
        } catch {
            terminal.restore()
            if let made { rmdir(made) }  // only if there is nothing in it
            SandboxReport.fail(error, json: work.asJSON)
            return SandboxStatus.of(error)
        }
    }

    /// What is to be kept has to be known.
    private var policy: Policy {
        var policy = work.policy.policy
        if work.keep != nil, policy.changeTracking == .off { policy.changeTracking = .metadata }
        return policy
    }

    /// Before the command runs, so that it doesn't run in vain.
    private static func makeNew(_ directory: String) throws(WorkspaceError) {
        do throws(SystemError) { try Files.makeNewDirectory(directory) } catch {
            throw WorkspaceError(.io, "\(error) (--keep)", path: directory)
        }
    }

    private func run(in workspace: Workspace) async throws(WorkspaceError) -> CInt {
        let probe = try await workspace.liveProbe().verified()
        if let workdir = work.workdir {
            let copied = try await workspace.copyIn(workdir)
            for entry in copied.leftOut { warn("not copied: \(entry.path): \(entry.reason)") }
        }
        if policy.changeTracking != .off { _ = try await workspace.changes() }  // what is changed counts from here
        let job = try await workspace.start(work.request)
        if work.request.terminal != nil { terminal.makeRaw() }
        signals.pass(to: job)
        let input = Task.detached { await Pumps.pass(0, to: job) }
        var result = try await passOutput(of: job)
        input.cancel()
        if !result.succeeded { workspace.addLimitHits(to: &result) }
        terminal.restore()
        if policy.changeTracking != .off {
            let seen = try await workspace.checkedChanges()
            (result.changes, result.changesAreComplete) = (seen.changes, seen.isComplete)
        }
        var kept: KeptFiles?
        if let keep = work.keep {
            kept = try await workspace.keep(result.changes ?? [], in: keep, limits: work.keepLimits)
        }
        if work.asJSON {
            let report = SandboxReport(
                work: work, result: result, isolation: workspace.isolation, probe: probe, kept: kept)
            print(report.json.compact)
        } else {
            tell(result, kept)
        }
        return SandboxStatus.of(result)
    }

    private func passOutput(of job: Job) async throws(WorkspaceError) -> ExecResult {
        guard !work.asJSON else { return try await job.wait() }
        async let errors: Void = Pumps.pass(job.chunks(of: .stderr), to: 2)
        await Pumps.pass(job.chunks(of: .stdout), to: 1)
        await errors
        return try await job.wait()
    }

    /// What only ISE knows; the command has said the rest.
    private func tell(_ result: ExecResult, _ kept: KeptFiles?) {
        switch result.endedBy {
        case .timeout: warn("ended: it ran for longer than \(work.request.timeout) (--timeout)")
        case .silence: warn("ended: it wrote nothing for \(work.request.silenceTimeout ?? .zero) (--silence)")
        case .cpuLimit: warn("ended: it used more than its processor time (--cpu-seconds)")
        case .fileSizeLimit: warn("ended: it wrote more than a file may have (--file-bytes)")
        case .memoryLimit: warn("ended: the memory limit was reached (--memory)")
        default: break
        }
        guard let kept, let keep = work.keep else { return }
        let rest = kept.leftOut.isEmpty ? "" : ", \(kept.leftOut.count) left out"
        let files = counted(kept.files.count, "file")
        warn("kept \(files), \(kept.bytes) bytes, in \(keep)\(rest): see \(KeptFiles.manifestName) there")
    }
}
