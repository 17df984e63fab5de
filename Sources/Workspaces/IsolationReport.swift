import Glibc
import JSON
import WorkspaceShim

/// What stands between a workspace and the host on this machine: measured when the launcher started, not assumed.
public struct IsolationReport: Sendable, Hashable {
    /// Root on the host: ids are mapped to an unprivileged range. Otherwise they are the ordinary user's own.
    public var startedAsRoot: Bool
    /// Each workspace has a range of host ids of its own: what the kernel counts a user is not shared (Linux 6.3, as root).
    public var ownHostIDs: Bool
    /// System files appear with their true owners inside.
    public var idmappedMounts: Bool
    public var networkNamespaces: Bool
    /// Directories that a workspace has from a snapshot, or those of the system, can be removed inside, and new ones renamed next
    /// to them, as dpkg does: that takes extended attributes on a tmpfs, which Linux 6.6 brought. Without them both fail.
    public var opaqueDirectories: Bool
    /// Version of the kernel's Landlock interface; 0: none, the other walls stand alone.
    public var landlock: Int
    /// Limits enforced by control groups, for a workspace's processes together.
    public var cgroupControllers: [String]
    /// Of cgroup v2, when that is what enforces them.
    public var unifiedControllers: [String]
    /// Why an ordinary user's workspaces have no control groups; nil: they have, or this is root.
    public var undelegated: String?
    /// Whose host id a command inside has; with ids of their own, the first from which workspaces get theirs.
    public var hostUID: UInt32

    /// "full": every limit of the policy holds for the workspace as a whole. "partial": memory or processes are bounded a process.
    public var level: String { enforces(.memory) && enforces(.processes) ? "full" : "partial" }

    public func enforces(_ limit: Limits.Kind) -> Bool {
        let controllers = cgroupControllers.contains("v2") ? unifiedControllers : cgroupControllers
        return switch limit {
        case .memory: controllers.contains("memory")
        // RLIMIT_NPROC counts within the workspace's own user namespace.
        case .processes: true
        case .cpu: controllers.contains("cpu")
        }
    }

    /// A control group bounds them, and counts how often.
    var countsProcesses: Bool { (cgroupControllers + unifiedControllers).contains("pids") }

    public var json: JSONValue {
        [
            "level": .string(level),
            "started_as": startedAsRoot ? "root" : "user",
            "host_uid": .int(Int(hostUID)),
            "host_ids": ownHostIDs ? "own" : "shared",
            "namespaces": ["user", "mount", "pid", "network", "ipc", "uts", "cgroup"],
            "idmapped_mounts": .bool(idmappedMounts),
            "opaque_directories": .bool(opaqueDirectories),
            "seccomp": "default-deny",
            "landlock": .int(landlock),
            "cgroup_controllers": JSONValue(
                cgroupControllers.contains("v2") ? unifiedControllers.map { "v2 \($0)" } : cgroupControllers),
            "limits": .object(
                JSONObject(Limits.Kind.allCases.map { ($0.rawValue, enforces($0) ? "workspace" : "process") })),
        ]
    }

    init(facts: [String]) {
        func values(_ name: String) -> [String] {
            facts.filter { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
        }
        startedAsRoot = values("started_as") == ["root"]
        ownHostIDs = values("own_ids") == ["yes"]
        idmappedMounts = values("idmapped") == ["yes"]
        networkNamespaces = values("network_namespaces") == ["yes"]
        opaqueDirectories = ise_tmpfs_has_attributes()
        landlock = values("landlock").first.flatMap { Int($0) } ?? 0
        cgroupControllers = values("cgroup")
        unifiedControllers = values("v2")
        undelegated = values("undelegated").first
        hostUID = startedAsRoot ? Template.idBase + 1000 : geteuid()
    }
}
