import Basics
import CurlShim
import Glibc

/// How often a request is sent again, and how long to wait before.
public struct RetryPolicy: Sendable, Hashable {
    /// The first attempt counts.
    public var maximumAttempts = 5
    /// The wait before attempt n + 1 is drawn from zero to `firstWait` · 2ⁿ⁻¹ ("full jitter"), so that clients that
    /// failed together do not come back together.
    public var firstWait: Duration = .milliseconds(500)
    public var longestWait: Duration = .seconds(30)
    /// A server that asks for more patience in `Retry-After` is given up.
    public var longestRetryAfter: Duration = .seconds(300)

    public init() {}

    /// - Parameters:
    ///   - attempt: the one that failed, from 1.
    ///   - random: between 0 and 1.
    func wait(after attempt: Int, random: Double) -> Duration {
        let ceiling = min(firstWait * (1 << min(attempt - 1, 30)), longestWait)
        return ceiling * random
    }

    /// What `Retry-After` asks for: seconds or a date. Nil for none and for nonsense.
    static func retryAfter(_ header: String?, now: Int) -> Duration? {
        guard let header = header?.trimmed, !header.isEmpty else { return nil }
        if let seconds = Double(header) {
            return seconds.isFinite && seconds >= 0 && seconds < 1e9 ? .seconds(seconds) : nil
        }
        let date = curl_getdate(header, nil)
        return date < 0 ? nil : .seconds(max(date - now, 0))
    }

    /// Whether a status says that the same request may succeed later.
    static func isTransient(status: Int) -> Bool { status == 429 || (500...599).contains(status) }
}

/// Time and chance as retries see them; tests bring their own.
public struct RetryClock: Sendable {
    /// Seconds since 1970.
    public var now: @Sendable () -> Int
    public var sleep: @Sendable (Duration) async throws -> Void
    /// Between 0 and 1.
    public var random: @Sendable () -> Double

    public init(
        now: @escaping @Sendable () -> Int, sleep: @escaping @Sendable (Duration) async throws -> Void,
        random: @escaping @Sendable () -> Double
    ) {
        self.now = now
        self.sleep = sleep
        self.random = random
    }

    public static let system = RetryClock(
        now: { time(nil) }, sleep: { try await Task.sleep(for: $0) }, random: { Double.random(in: 0...1) })
}
