import Glibc
import JSON
import WorkspaceShim

/// What a command meets in one workspace: found out inside, by a process that has gone through all that a command goes through
/// and then tried what must be refused. Nothing of it is taken from the configuration.
public struct LiveProbe: Sendable, Hashable {
    /// Inside.
    public var uid: Int?
    /// Of that uid, by the mapping that the kernel shows to the host; nil when the host may not read it.
    public var hostUID: Int?
    public var hasNoNewPrivileges = false
    /// As `/proc/self/status` says inside: 2 is a filter, 0 none.
    public var seccompMode: Int?
    /// Bits of the capabilities that a command has or could come to have.
    public var capabilities: UInt64?
    /// Namespaces that are not the host process's: `mnt`, `pid`, `net` …
    public var ownNamespaces: [String] = []
    /// System calls that were tried, and the errno that each was answered with; 0: it was let through.
    public var answers: [String: Int32] = [:]
    /// Whether the host heard of each of them; nil: the policy does not ask for it.
    public var refusalsAreReported: Bool?
    public var interfaces: [String] = []
    /// The home of the user who runs this process is there inside, at its own path: the very same directory.
    public var seesHostHome = false
    /// Walls that the policy demands and the probe found missing; empty when all stand.
    public var missing: [String] = []

    /// - Throws: `limitUnenforceable`, naming the walls that are missing.
    public func verified() throws(WorkspaceError) -> LiveProbe {
        guard missing.isEmpty else {
            throw WorkspaceError(
                .limitUnenforceable,
                "a probe inside the workspace found that its policy is not enforced: \(missing.joined(separator: "; ")). "
                    + "Nothing is run in it; ise doctor says what this machine can enforce")
        }
        return self
    }

    public var json: JSONValue {
        var object: JSONObject = [:]
        object["uid"] = uid.map(JSONValue.int)
        // Which one it is differs from workspace to workspace.
        object["root_on_host"] = hostUID.map { .bool($0 == 0) }
        object["no_new_privs"] = .bool(hasNoNewPrivileges)
        object["seccomp_mode"] = seccompMode.map(JSONValue.int)
        object["capabilities"] = capabilities.map { .string(Self.hex($0)) }
        object["own_namespaces"] = JSONValue(ownNamespaces)
        object["tried"] = .object(
            JSONObject(answers.sorted { $0.key < $1.key }.map { ($0.key, .string(Self.words($0.value))) }))
        object["refusals_reported"] = refusalsAreReported.map(JSONValue.bool)
        object["interfaces"] = JSONValue(interfaces)
        object["host_home_visible"] = .bool(seesHostHome)
        object["missing"] = JSONValue(missing)
        return .object(object)
    }

    static func words(_ error: Int32) -> String {
        switch error {
        case 0: "let through"
        case EPERM: "EPERM"
        default: WorkspaceError.reason(error)
        }
    }

    static func hex(_ bits: UInt64) -> String {
        let digits = String(bits, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

// MARK: What the process inside has written

extension LiveProbe {
    /// What the host knows of itself and of the workspace's ids.
    struct HostSide {
        /// `mnt:[4026531841]` and the like, of this process.
        var namespaces: Set<String>
        /// `/proc/PID/uid_map` of the init; nil: it cannot be read.
        var uidMap: String?
        /// Time of change of the user's home and how many entries it has, as the probe writes them; nil: it has none.
        var home: String?
        /// System calls that the listener has heard of.
        var heard: Set<String>?
    }

    init(output: String, host: HostSide) {
        for line in output.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            let value = String(line[line.index(after: equals)...])
            switch line[..<equals] {
            case "Uid": uid = value.split(separator: "\t").first.flatMap { Int($0) }
            case "NoNewPrivs": hasNoNewPrivileges = value == "1"
            case "Seccomp": seccompMode = Int(value)
            case "CapPrm", "CapEff", "CapBnd":
                if let bits = UInt64(value, radix: 16) { capabilities = (capabilities ?? 0) | bits }
            case "namespace":
                let kind = value.prefix { $0 != ":" }
                if !host.namespaces.contains(value) { ownNamespaces.append(String(kind)) }
            case "interface": interfaces.append(value)
            // Without the number it was no more than found.
            case "home": seesHostHome = host.home.map { $0 == value || $0.hasPrefix(value + " ") } ?? false
            case let call: answers[String(call)] = Int32(value)
            }
        }
        interfaces.sort()
        hostUID = uid.flatMap { uid in host.uidMap.flatMap { Self.mapped(uid, by: $0) } }
        refusalsAreReported = host.heard.map { $0.isSuperset(of: answers.keys) }
    }

    /// Lines of three numbers: first id inside, first id outside, how many.
    private static func mapped(_ uid: Int, by map: String) -> Int? {
        for line in map.split(separator: "\n") {
            let numbers = line.split(separator: " ").compactMap { Int($0) }
            guard numbers.count == 3, uid >= numbers[0], uid - numbers[0] < numbers[2] else { continue }
            return numbers[1] + uid - numbers[0]
        }
        return nil
    }
}

// MARK: Judging

extension LiveProbe {
    private static let tried = ["bpf", "keyctl", "mount", "ptrace", "setns", "unshare"]
    private static let namespaces = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]
    /// CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SYS_CHROOT: what `root` inside has over its own files.
    private static let rootCapabilities: UInt64 = 0x400fb

    /// - Parameter showsHome: the user's home is inside because somebody has asked for it.
    func missingWalls(_ policy: Policy, startedAsRoot: Bool, showsHome: Bool) -> [String] {
        var missing: [String] = []
        func demand(_ holds: Bool, _ words: String) { if !holds { missing.append(words) } }
        demand(hasNoNewPrivileges, "no_new_privs is not set")
        demand(seccompMode == 2, "seccomp is in mode \(seccompMode.map(String.init) ?? "unknown"), not 2 (filter)")
        let allowed = policy.identity == .root ? Self.rootCapabilities : 0
        demand(
            capabilities.map { $0 & ~allowed == 0 } ?? false,
            "its capabilities are \(capabilities.map(Self.hex) ?? "unknown"), not within \(Self.hex(allowed))")
        for call in Self.tried {
            let answer = answers[call]
            demand(answer == EPERM, "\(call) is not refused: \(answer.map(Self.words) ?? "it was not tried")")
        }
        demand(refusalsAreReported ?? !policy.reportsDenials, "refused system calls are not reported")
        for kind in Self.namespaces where kind != "net" || policy.network != .host {
            demand(ownNamespaces.contains(kind), "the \(kind) namespace is the host's")
        }
        if policy.network != .host {
            let others = interfaces.filter { $0 != "lo" }
            demand(others.isEmpty, "it has the network interfaces \(others.joined(separator: ", "))")
        }
        demand(uid != nil, "its uid is unknown")
        // An ordinary user cannot map an id of root's.
        demand(
            hostUID.map { $0 != 0 } ?? !startedAsRoot, "its uid on the host is \(hostUID.map(String.init) ?? "unknown")"
        )
        demand(!seesHostHome || showsHome, "the home of the user who runs ISE can be seen")
        return missing
    }
}
