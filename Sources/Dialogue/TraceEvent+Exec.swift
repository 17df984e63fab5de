import Basics
import JSON
import Trace
import Workspaces

extension TraceEvent {
    /// A command with its facts. Facts that a machine or a moment decides stand apart from those that repeat.
    static func exec(_ request: ExecRequest, _ result: ExecResult, call: Int?, turn: Int?) -> TraceEvent {
        var facts: JSONObject = [:]
        facts["exit_code"] = result.exitCode.map { .int($0) }
        facts["signal"] = result.signal.map { .int($0) }
        facts["ended_by"] = .string(result.endedBy.rawValue)
        facts["stdout_bytes"] = .int(result.stdout.totalBytes)
        facts["stderr_bytes"] = .int(result.stderr.totalBytes)
        if result.stdout.truncated || result.stderr.truncated { facts["truncated"] = true }
        if !request.environment.isEmpty {
            let variables = request.environment.sorted { $0.key < $1.key }
            facts["env"] = .object(JSONObject(variables.map { ($0.key, .string($0.value)) }))
        }
        if !request.stdin.isEmpty { facts["stdin_bytes"] = .int(request.stdin.count) }
        if !result.leftRunning.isEmpty { facts["left_running"] = JSONValue(result.leftRunning.map(\.command)) }
        if let processes = result.processes {
            facts["processes"] = .array(processes.map(\.json))
            if result.processesOmitted > 0 { facts["processes_omitted"] = .int(result.processesOmitted) }
        }
        if !result.denialsAreComplete { facts["denials_incomplete"] = true }
        if !result.changesAreComplete { facts["changes_incomplete"] = true }
        if !result.limitHits.isEmpty {
            facts["limit_hits"] = .object(JSONObject(result.limitHits.map { ($0.limit.rawValue, .int($0.count)) }))
        }
        facts["kill_latency_us"] = result.killLatency.map { .int($0.microseconds) }
        facts["wall_ms"] = .int(result.wall.wholeMilliseconds)
        facts["user_cpu_ms"] = .int(result.userCPU.wholeMilliseconds)
        facts["system_cpu_ms"] = .int(result.systemCPU.wholeMilliseconds)
        facts["max_rss_bytes"] = .int(result.maxRSSBytes)
        return .exec(
            argv: request.argv.map { String(decoding: $0, as: UTF8.self) }, directory: request.directory, facts: facts,
            stdout: result.stdout.bytes, stderr: result.stderr.bytes, call: call, turn: turn)
    }
}

extension Denial {
    var json: JSONValue {
        var json: JSONObject = ["syscall": .string(syscall), "count": .int(count)]
        if !arguments.isEmpty { json["arguments"] = .array(arguments.map { .int($0) }) }
        return .object(json)
    }
}

extension Duration {
    fileprivate var microseconds: Int { Int(self / .microseconds(1)) }
}
