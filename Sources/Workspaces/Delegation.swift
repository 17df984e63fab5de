import Glibc
import Synchronization

/// A part of the cgroup v2 tree that an ordinary user may divide further (`systemd-run --user --scope -p Delegate=yes`).
///
/// Processes may only be in its leaves once controllers are passed down, so this process goes into one of its own. That takes
/// a group in which no other process is.
struct Delegation: Sendable, Equatable {
    /// The delegated group's directory.
    let directory: String
    /// Of `memory`, `pids` and `cpu`, those that it can pass down.
    let controllers: [String]

    enum Finding: Equatable {
        case usable(Delegation)
        /// Why not.
        case unusable(String)
    }

    private static let wanted = ["memory", "pids", "cpu"]

    /// Looks without changing anything.
    ///
    /// - Parameters:
    ///   - membership: as `/proc/self/cgroup` has it.
    ///   - mounts: where the v2 tree may be mounted.
    static func find(
        membership: String, mounts: [String] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"], pid: pid_t = getpid()
    ) -> Finding {
        let line = membership.split(separator: "\n").first { $0.hasPrefix("0::") }
        guard let path = line?.dropFirst(3) else { return .unusable("this process is in no group of cgroup v2") }
        guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
            return .unusable("the own group, \(path), is outside of the part of the tree that is mounted here")
        }
        let candidates = mounts.map { path == "/" ? $0 : $0 + path }
        guard let directory = candidates.first(where: { access($0 + "/cgroup.controllers", R_OK) == 0 }) else {
            return .unusable("cgroup v2 is not mounted at \(mounts.joined(separator: " or "))")
        }
        let offered = words(of: directory + "/cgroup.controllers")
        let controllers = wanted.filter(offered.contains)
        guard controllers.contains("memory"), controllers.contains("pids") else {
            return .unusable("\(directory) has no memory and pids controllers to pass down")
        }
        for file in ["", "/cgroup.procs", "/cgroup.subtree_control"] where access(directory + file, W_OK) != 0 {
            return .unusable("\(directory) is not delegated to this user")
        }
        let others = words(of: directory + "/cgroup.procs").filter { $0 != "\(pid)" }
        guard others.isEmpty else {
            return .unusable("\(directory) has other processes in it (\(others.prefix(3).joined(separator: ", ")))")
        }
        return .usable(Delegation(directory: directory, controllers: controllers))
    }

    /// Moves this process into a leaf and lets the group pass its controllers down.
    ///
    /// - Returns: why that failed; nil: it is done.
    func take(leaf: String, pid: pid_t = getpid()) -> String? {
        let place = directory + "/" + leaf
        guard mkdir(place, 0o755) == 0 || errno == EEXIST else { return Self.failure("make", place) }
        guard Self.write("\(pid)", to: place + "/cgroup.procs") else { return Self.failure("move into", place) }
        for controller in controllers where !Self.write("+\(controller)", to: directory + "/cgroup.subtree_control") {
            return Self.failure("pass the \(controller) controller down from", directory)
        }
        return nil
    }

    // MARK: Of this process

    private static let own = Mutex<Finding?>(nil)

    /// Found and taken once a process.
    static func ofThisProcess(leaf: String) -> Finding {
        own.withLock { known in
            if let known { return known }
            var finding = find(membership: read("/proc/self/cgroup"))
            if case .usable(let delegation) = finding, let reason = delegation.take(leaf: leaf) {
                finding = .unusable(reason)
            }
            known = finding
            return finding
        }
    }

    private static func failure(_ what: String, _ path: String) -> String {
        "could not \(what) \(path): \(WorkspaceError.reason(errno))"
    }

    private static func words(of path: String) -> [String] {
        read(path).split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
    }

    private static func write(_ text: String, to path: String) -> Bool {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count
    }

    private static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let length = max(0, Glibc.read(descriptor, &buffer, buffer.count))
        return String(decoding: buffer[..<length], as: UTF8.self)
    }
}
