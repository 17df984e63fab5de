import Glibc
import Synchronization
import WorkspaceShim

/// A part of the cgroup v2 tree that this process may divide further: what systemd delegates to an ordinary user
/// (`systemd-run --user --scope -p Delegate=yes`), what it delegates to root, or all that a container has of the tree.
///
/// Processes may only be in its leaves once controllers are passed down, so all that are in it, such as the shell that
/// started this one, go into one leaf together. Whoever they start later begins there, too.
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

    static let leaf = "ise-leaf"
    private static let wanted = ["memory", "pids", "cpu"]
    private static let mounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]

    /// Looks without changing anything.
    ///
    /// - Parameters:
    ///   - membership: as `/proc/self/cgroup` has it.
    ///   - mounts: where the v2 tree may be mounted.
    static func find(membership: String, mounts: [String] = mounts) -> Finding {
        guard let path = path(in: membership) else { return .unusable("this process is in no group of cgroup v2") }
        guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
            return .unusable("the own group, \(path), is outside of the part of the tree that is mounted here")
        }
        guard var directory = directory(of: path, mounts) else {
            return .unusable("cgroup v2 is not mounted at \(mounts.joined(separator: " or "))")
        }
        if directory.hasSuffix("/" + leaf) { directory.removeLast(leaf.count + 1) }
        // The root of the whole tree has no type.
        let type = words(of: directory + "/cgroup.type").joined(separator: " ")
        guard type.isEmpty || type == "domain" else {
            return .unusable("\(directory) is a group for threads (\(type)), which cannot limit memory")
        }
        let offered = words(of: directory + "/cgroup.controllers")
        let controllers = wanted.filter(offered.contains)
        guard controllers.contains("memory"), controllers.contains("pids") else {
            return .unusable("\(directory) has no memory and pids controllers to pass down")
        }
        for file in ["", "/cgroup.procs", "/cgroup.subtree_control"] where access(directory + file, W_OK) != 0 {
            return .unusable("\(directory) is \(errno == EROFS ? "read-only here" : "not delegated to this user")")
        }
        return .usable(Delegation(directory: directory, controllers: controllers))
    }

    /// Moves the group's processes into a leaf and lets the group pass its controllers down.
    ///
    /// - Returns: why that failed; nil: it is done.
    func take() -> String? {
        let place = directory + "/" + Self.leaf
        guard mkdir(place, 0o755) == 0 || errno == EEXIST else { return Self.failure("make", place) }
        // A process that is just being moved may have made another one.
        for _ in 0..<16 {
            for process in Self.words(of: directory + "/cgroup.procs") {
                guard Self.write(process, to: place + "/cgroup.procs") || errno == ESRCH else {
                    return Self.failure("move process \(process) into", place)
                }
            }
            let refused = controllers.first { !Self.write("+\($0)", to: directory + "/cgroup.subtree_control") }
            guard let refused else { return nil }
            guard errno == EBUSY else { return Self.failure("pass the \(refused) controller down from", directory) }
        }
        return "\(directory) has processes in it that do not go into a leaf"
    }

    // MARK: Of this process

    private static let own = Mutex<Finding??>(nil)

    /// Found and taken once a process; nil: root needs none, since the whole tree is its own.
    static func ofThisProcess() -> Finding? {
        own.withLock { known in
            if let known { return known }
            let membership = read("/proc/self/cgroup")
            var finding = ownsTree(membership: membership) ? nil : find(membership: membership)
            if case .usable(let delegation) = finding, let reason = delegation.take() { finding = .unusable(reason) }
            known = .some(finding)
            return finding
        }
    }

    /// Root outside of a container and of a unit with `Delegate=yes`, whose limits are to hold for the workspaces, too.
    private static func ownsTree(membership: String) -> Bool {
        guard geteuid() == 0 else { return false }
        if access(mounts[0] + "/cgroup.type", F_OK) == 0 { return false }
        guard let path = path(in: membership), let directory = directory(of: path, mounts) else { return true }
        return getxattr(directory, "trusted.delegate", nil, 0) < 0 && !directory.hasSuffix("/" + leaf)
    }

    private static func path(in membership: String) -> Substring? {
        membership.split(separator: "\n").first { $0.hasPrefix("0::") }?.dropFirst(3)
    }

    private static func directory(of path: Substring, _ mounts: [String]) -> String? {
        mounts.map { path == "/" ? $0 : $0 + path }.first { access($0 + "/cgroup.controllers", R_OK) == 0 }
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
