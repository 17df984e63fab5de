import Basics
import JSON
import Runs
import Workspaces

/// The one object of `ise sandbox --json`.
struct SandboxReport {
    var work: SandboxWork
    var result: ExecResult
    var isolation: IsolationReport
    var probe: LiveProbe
    var kept: KeptFiles?

    /// Says on standard error, and with `--json` on standard output, why nothing came of it.
    static func fail(_ error: WorkspaceError, json: Bool) {
        warn(error.message)
        guard json else { return }
        let object: JSONValue = [
            "error": ["code": .string(error.code.description), "message": .string(error.message)],
            "status": .int(Int(SandboxStatus.of(error))),
        ]
        print(object.compact)
    }

    var json: JSONValue {
        var object: JSONObject = [
            "ise": .string(iseVersion),
            "command": .array(work.request.argv.map { .string(String(decoding: $0, as: UTF8.self)) }),
            "status": .int(Int(SandboxStatus.of(result))),
            "exit_code": result.exitCode.map(JSONValue.int) ?? .null,
            "signal": result.signal.map(JSONValue.int) ?? .null,
            "ended_by": .string(result.endedBy.rawValue),
            "stdout": Self.json(result.stdout), "stderr": Self.json(result.stderr),
        ]
        addUse(to: &object)
        object["left_running"] = .array(
            result.leftRunning.map { ["pid": .int($0.pid), "command": .string($0.command)] })
        object["denials"] = .array(result.denials.map(Self.json))
        if !result.denialsAreComplete { object["denials_incomplete"] = true }
        object["limit_hits"] = .object(JSONObject(result.limitHits.map { ($0.limit.rawValue, .int($0.count)) }))
        object["network_attempts"] = .array(result.networkAttempts.map(\.json))
        if let processes = result.processes {
            object["processes"] = .array(processes.map(\.json))
            object["processes_omitted"] = .int(result.processesOmitted)
        }
        if let changes = result.changes {
            object["changes"] = .array(changes.map(Self.json))
            if !result.changesAreComplete { object["changes_incomplete"] = true }
        }
        object["kept"] = kept?.json
        object["isolation"] = isolation.json
        object["probe"] = probe.json
        object["policy"] = work.policy.json
        object["policy_digest"] = .string(work.policy.digest.description)
        return .object(object)
    }

    private func addUse(to object: inout JSONObject) {
        object["wall_ms"] = .double(result.wall.milliseconds)
        object["user_cpu_ms"] = .double(result.userCPU.milliseconds)
        object["system_cpu_ms"] = .double(result.systemCPU.milliseconds)
        object["max_rss_bytes"] = .int(result.maxRSSBytes)
        object["kill_latency_ms"] = result.killLatency.map { .double($0.milliseconds) } ?? .null
    }

    private static func json(_ output: CapturedOutput) -> JSONValue {
        [
            "text": .string(output.text), "total_bytes": .int(output.totalBytes), "truncated": .bool(output.truncated),
        ]
    }

    private static func json(_ denial: Denial) -> JSONValue {
        [
            "syscall": .string(denial.syscall), "count": .int(denial.count),
            "arguments": .array(denial.arguments.map(JSONValue.int)),
        ]
    }

    private static func json(_ change: FileChange) -> JSONValue {
        var object: JSONObject = [
            "path": .string(change.path), "what": .string(change.what.rawValue), "kind": .string(change.kind.rawValue),
            "size": .int(change.size),
        ]
        object["hash"] = change.hash.map { .string($0.description) }
        return .object(object)
    }
}

extension Duration {
    /// To a microsecond.
    fileprivate var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1000 + Double(attoseconds / 1_000_000_000_000) / 1000
    }
}
