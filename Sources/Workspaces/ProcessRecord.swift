import JSON

/// A process of a command, as far as the kernel tells of it to who is not root.
public struct ProcessRecord: Sendable, Equatable {
    /// In the workspace's own numbering.
    public var pid: Int
    /// 1: the workspace's init; it is the parent of the command itself, and of whom an ended parent has left.
    public var parent: Int
    /// Of the last program that it executed, cut at 4 KiB.
    public var argv: [String]
    /// From the command's start until it first executed a program; of one that never did, until it was made, to a hundredth of
    /// a second.
    public var start: Duration
    /// Nil while it runs, and when it was ended by a signal.
    public var exitCode: Int?
    /// Nil also when the kernel does not say what ended it (before Linux 6.15).
    public var signal: Int?
    /// It was there when the command had ended.
    public var isRunning = false
    /// Nil when a signal ended it, since nobody was told in time; so are the three below.
    public var wall: Duration?
    /// Of all its threads. The sum of the two is exact; the kernel divides it by what its clock ticks met, so that of a process that
    /// no tick met all is user time.
    public var userCPU: Duration?
    public var systemCPU: Duration?
    public var maxRSSBytes: Int?

    public var json: JSONValue {
        var object: JSONObject = [
            "pid": .int(pid), "parent": .int(parent), "argv": JSONValue(argv),
            "start_ms": .int(start.wholeMilliseconds),
        ]
        object["exit_code"] = exitCode.map { .int($0) }
        object["signal"] = signal.map { .int($0) }
        if isRunning { object["running"] = true }
        object["wall_ms"] = wall.map { .int($0.wholeMilliseconds) }
        object["user_cpu_us"] = userCPU.map { .int(Int($0.nanoseconds / 1000)) }
        object["system_cpu_us"] = systemCPU.map { .int(Int($0.nanoseconds / 1000)) }
        object["max_rss_bytes"] = maxRSSBytes.map { .int($0) }
        return .object(object)
    }
}

extension Duration {
    fileprivate var wholeMilliseconds: Int { Int(nanoseconds / 1_000_000) }
}
