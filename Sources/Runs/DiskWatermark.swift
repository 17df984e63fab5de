import Glibc

/// Keeps a run from filling its disk: while there is less room than this, no trajectory is started. Those that run go on.
struct DiskWatermark: Sendable {
    let path: String
    /// Bytes that must be free for the user of this process.
    let least: Int
    var free: @Sendable (String) -> Int? = Self.freeBytes
    var wait: @Sendable () async -> Void = { try? await Task.sleep(for: .seconds(1)) }
    let note: @Sendable (String) -> Void

    /// Returns when there is room, or when the task is cancelled.
    func pass() async {
        guard let shortage else { return }
        note("paused: \(shortage); no trajectory is started until there is room (--min-free)")
        while self.shortage != nil, !Task.isCancelled { await wait() }
        if !Task.isCancelled { note("there is room again in \(path)") }
    }

    private var shortage: String? {
        // A file system that does not tell is not in the way.
        guard let free = free(path), free < least else { return nil }
        return "\(path) has \(free >> 20) MiB of free space, less than \(least >> 20) MiB"
    }

    private static let freeBytes: @Sendable (String) -> Int? = { path in
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int(status.f_bavail).multipliedReportingOverflow(by: Int(status.f_frsize)).partialValue
    }
}
