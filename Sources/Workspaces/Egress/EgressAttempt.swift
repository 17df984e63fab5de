import Glibc
import JSON
import Synchronization

/// A connection that something in a workspace tried to make through the proxy, and what became of it.
public struct EgressAttempt: Sendable, Hashable {
    public enum Verdict: String, Sendable {
        /// Its name is being looked up, or its server is being connected to.
        case pending
        case allowed
        /// The policy's no, also to a request that could be read in two ways.
        case refused
        /// Allowed, but the name or the server could not be reached.
        case failed
    }

    /// Nanoseconds since 1970, UTC.
    public var time: Int64
    /// `CONNECT`, or the method of a plain request; empty when none could be read.
    public var method = ""
    /// As it was compared with the rules; empty when none could be read.
    public var host = ""
    public var port = 0
    /// What was connected to.
    public var address: String?
    public var verdict = Verdict.pending
    /// The rule that allowed it, or why it was refused, failed or cut off.
    public var reason = ""
    /// Sent to the server.
    public var bytesOut = 0
    /// Come from the server.
    public var bytesIn = 0

    /// Nanoseconds since 1970, UTC.
    static var now: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }

    public var json: JSONValue {
        [
            "time_ns": .int(Int(time)), "method": .string(method), "host": .string(host), "port": .int(port),
            "address": address.map { .string($0) } ?? .null, "verdict": .string(verdict.rawValue),
            "reason": .string(reason), "bytes_out": .int(bytesOut), "bytes_in": .int(bytesIn),
        ]
    }
}

/// Bounds of a workspace's way out.
public struct EgressLimits: Sendable, Hashable {
    /// At once. More are refused.
    public var connections = 64
    /// Of a request's first line and headers, in bytes.
    public var headBytes = 16 << 10
    /// A connection over which nothing goes for so long is closed; so is one whose request has not come by then.
    public var idle: Duration = .seconds(120)
    /// For one address of the server.
    public var connect: Duration = .seconds(10)
    /// In both directions together, over the whole life of the workspace. Nil: no bound.
    public var totalBytes: Int?
    /// Attempts that the log holds. None gets out that it has no room for.
    public var attempts = 20_000

    public init() {}
}

/// Every attempt of one workspace, in order.
final class EgressLog: Sendable {
    private let entries = Mutex<[EgressAttempt]>([])
    private let limit: Int

    init(limit: Int) { self.limit = max(1, limit) }

    /// The number of the new entry; nil when there is no room, which the last entry says.
    func begin(_ fill: (inout EgressAttempt) -> Void) -> Int? {
        var attempt = EgressAttempt(time: EgressAttempt.now)
        fill(&attempt)
        return entries.withLock { entries in
            guard entries.count < limit else { return nil }
            if entries.count == limit - 1 {
                attempt.verdict = .refused
                attempt.reason = "the log of attempts is full at \(limit): nothing gets out from here on"
            }
            entries.append(attempt)
            return entries.count == limit ? nil : entries.count - 1
        }
    }

    func update(_ number: Int, _ body: (inout EgressAttempt) -> Void) {
        entries.withLock { body(&$0[number]) }
    }

    var count: Int { entries.withLock { $0.count } }
    func attempts(since start: Int) -> [EgressAttempt] { entries.withLock { Array($0[min(start, $0.count)...]) } }
}
