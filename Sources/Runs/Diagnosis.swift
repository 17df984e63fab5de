import Basics
import Glibc
import JSON
import Plugins
import Workspaces

/// What `ise doctor` finds: what the machine has and can enforce, and how to get what is missing.
public struct Diagnosis: Sendable {
    public struct Check: Sendable {
        public enum Status: String, Sendable {
            case ok
            /// Trajectories run, but something is weaker or absent.
            case warning
            /// Trajectories cannot be run.
            case missing
        }

        public var name: String
        public var status: Status
        public var found: String
        /// How to get it.
        public var advice: String?
    }

    public private(set) var checks: [Check] = []
    /// What the workspaces' host says of itself; nil when it doesn't start.
    public private(set) var isolation: JSONValue?
    /// What was found inside a workspace of the usual policy.
    public private(set) var probe: JSONValue?

    public var canRun: Bool { checks.allSatisfy { $0.status != .missing } }

    /// Looks at the machine; opens a workspace to see what is really there.
    public static func make(pluginDirectories: [String]) async -> Diagnosis {
        var diagnosis = Diagnosis()
        diagnosis.add("system", .ok, System.description)
        diagnosis.add("libraries", .ok, Libraries.description)
        await diagnosis.checkWorkspaces()
        await diagnosis.checkPlugins(in: pluginDirectories)
        return diagnosis
    }

    mutating func add(_ name: String, _ status: Check.Status, _ found: String, advice: String? = nil) {
        checks.append(Check(name: name, status: status, found: found, advice: advice))
    }
}

// MARK: - Workspaces

extension Diagnosis {
    private mutating func checkWorkspaces() async {
        let host: WorkspaceHost
        do {
            host = try await WorkspaceHost.start()
        } catch {
            return add("workspaces", .missing, "\(error)", advice: Self.namespaceAdvice)
        }
        isolation = host.isolation.json
        addIsolation(host.isolation)
        await checkPrograms(of: host)
        await host.shutdown()
    }

    private mutating func addIsolation(_ report: IsolationReport) {
        for member in report.json.object?.members ?? [] {
            let advice: String? =
                switch member.key {
                case "level" where report.level != "full": Self.limitAdvice(report)
                case "opaque_directories" where !report.opaqueDirectories: Self.directoryAdvice
                case "limits" where report.level == "full" && !report.enforces(.cpu): Self.processorAdvice
                default: nil
                }
            add(
                "isolation: \(member.key)", advice == nil ? .ok : .warning, Self.words(member.value), advice: advice)
        }
    }

    /// Of the usual policy: what a look from inside one of its workspaces finds.
    private mutating func addWalls(_ found: LiveProbe) {
        probe = found.json
        add("usual policy", .ok, PolicyFile().digest.description)
        let refused = found.answers.keys.sorted().joined(separator: ", ")
        add(
            "live probe", found.missing.isEmpty ? .ok : .missing,
            found.missing.isEmpty
                ? "all walls stand; refused and reported: \(refused); interfaces: \(found.interfaces.joined(separator: ", "))"
                : found.missing.joined(separator: "; "),
            advice: found.missing.isEmpty ? nil : "nothing is run in such a workspace")
    }

    private static func words(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): text
        case .array(let elements): elements.isEmpty ? "none" : elements.map(words).joined(separator: ", ")
        case .object(let object): object.members.map { "\($0.key): \(words($0.value))" }.joined(separator: ", ")
        case .bool(let flag): flag ? "yes" : "no"
        default: value.compact
        }
    }

    /// The workspace shows the host's programs; tasks want these.
    private mutating func checkPrograms(of host: WorkspaceHost) async {
        let packages = [
            "bash": "bash", "python3": "python3", "perl": "perl-base", "git": "git", "tar": "tar", "gzip": "gzip",
        ]
        let script =
            "for p in \(packages.keys.sorted().joined(separator: " ")); do command -v $p >/dev/null && echo $p; done; true"
        do {
            let workspace = try await host.open()
            addWalls(try await workspace.liveProbe())
            let result = try await workspace.exec(ExecRequest(argv: ["sh", "-c", script]))
            await workspace.close()
            let present = Set(result.stdout.text.split(separator: "\n").map(String.init))
            let absent = packages.keys.filter { !present.contains($0) }.sorted()
            add("workspaces", .ok, "one was opened, a command was run in it, and it was closed")
            add(
                "programs inside", absent.isEmpty ? .ok : .warning, present.sorted().joined(separator: ", "),
                advice: absent.isEmpty
                    ? nil
                    : "missing: \(absent.joined(separator: ", ")); on Debian: apt-get install "
                        + absent.compactMap { packages[$0] }.joined(separator: " "))
        } catch {
            add("workspaces", .missing, "\(error)", advice: Self.namespaceAdvice)
        }
    }

    private static let namespaceAdvice =
        "as an ordinary user ISE needs user namespaces: check that /proc/sys/user/max_user_namespaces is not 0, that "
        + "kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns don't forbid them, and that an "
        + "enclosing container allows them; or start ISE as root"

    private static func limitAdvice(_ report: IsolationReport) -> String {
        "a workspace's processes share no memory limit"
            + (report.undelegated.map { " (\($0))" } ?? "")
            + (report.startedAsRoot
                ? "; for that the memory and pids controllers must be there, and /sys/fs/cgroup writable if this is a container"
                : "; for that run ISE as root, or, where systemd runs the users' sessions, in a group of its own: "
                    + "systemd-run --user --scope -p Delegate=yes -- ise …")
    }

    private static let directoryAdvice =
        "in workspaces over a snapshot (sessions in a copy, forks), and with root inside, directories that were there before "
        + "cannot be removed or moved (Input/output error), nor packages installed that bring new ones (Invalid cross-device "
        + "link); that takes Linux 6.6 or newer"

    /// Older systemds pass only memory and pids down to users.
    private static let processorAdvice =
        "a workspace's processes share no limit of processor time; for that start it with systemd-run --user --scope "
        + "-p Delegate=yes -- ise …; where that is not enough let systemd pass the cpu controller down to users, as root: "
        + "systemctl edit user@.service, with [Service] Delegate=memory pids cpu, and log in again"
}

// MARK: - Plugins

extension Diagnosis {
    private mutating func checkPlugins(in directories: [String]) async {
        guard !directories.isEmpty else {
            return add(
                "plugins", .missing, "no directory found",
                advice: "start ISE where its plugins/ is, or name the directory with --plugins or in ISE_PLUGINS")
        }
        let catalog = await PluginCatalog.load(from: directories, trusting: PluginDirectories.trust()).checked()
        let counts = PluginManifest.Kind.allCases.map { ($0.rawValue, catalog.plugins(kind: $0).count) }.filter {
            $0.1 > 0
        }
        add(
            "plugins", .ok,
            counts.map { "\($0.1) \($0.0)" }.joined(separator: ", ") + " in " + directories.joined(separator: ", "))
        await catalog.shutdown()
        for problem in catalog.problems { add("plugin", .warning, "\(problem)", advice: "mend it or take it away") }
    }
}

// MARK: - Output

extension Diagnosis {
    public var json: JSONValue {
        let checks: [JSONValue] = checks.map { check in
            [
                "name": .string(check.name), "status": .string(check.status.rawValue), "found": .string(check.found),
                "advice": check.advice.map(JSONValue.string) ?? nil,
            ]
        }
        return [
            "ise": .string(iseVersion), "can_run": .bool(canRun), "checks": .array(checks),
            "isolation": isolation ?? nil, "probe": probe ?? nil,
            "usual_policy_digest": .string(PolicyFile().digest.description),
        ]
    }

    public var text: String {
        let width = checks.map(\.name.count).max() ?? 0
        let marks: [Check.Status: String] = [.ok: "ok  ", .warning: "WARN", .missing: "MISS"]
        let rows = checks.flatMap { check -> [String] in
            let title = check.name + String(repeating: " ", count: width - check.name.count)
            let advice = check.advice.map { String(repeating: " ", count: width + 8) + "-> \($0)" }
            return ["\(marks[check.status] ?? "")  \(title)  \(check.found)"] + [advice].compactMap(\.self)
        }
        let verdict = canRun ? "Trajectories can be run here." : "Trajectories cannot be run here yet."
        return (["ise \(iseVersion)"] + rows + [verdict]).joined(separator: "\n")
    }
}
