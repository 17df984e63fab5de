import Glibc
import Synchronization
import WorkspaceShim

/// Opens workspaces. One a process is enough: it owns the launcher, the event loop and the workspaces that wait ready.
public actor WorkspaceHost {
    /// What stands between a workspace and the host on this machine.
    public nonisolated let isolation: IsolationReport

    /// Launchers that this process has started: their control groups need names of their own.
    private static let launched = Atomic(0)

    private let reactor: Reactor
    private let launcher: Launcher
    private let template: Template
    /// A second one, started when a policy first asks for the host's network: a launcher that has left it cannot come back.
    private var hostNetworkLauncher: Task<Result<Launcher, WorkspaceError>, Never>?
    private var policies: [Policy: UInt32] = [:]
    private var nextWorkspace = 1
    /// Opened ahead of need, never used.
    private var spare: [Policy: [Workspace]] = [:]
    private var spareCount: [Policy: Int] = [:]
    private var filling: Set<Policy> = []
    private var isShutDown = false

    /// Starts the launcher, which also clears up what an earlier process that was killed left behind.
    ///
    /// From then on this process ignores SIGPIPE: a command may close its standard input at any time.
    ///
    /// - Throws: `unavailable` with what the machine lacks and what to do.
    public static func start(_ options: HostOptions = HostOptions()) async throws(WorkspaceError) -> WorkspaceHost {
        _ = ise_raise_descriptor_limit()
        signal(SIGPIPE, SIG_IGN)
        var options = options
        if case .archive(let path) = options.root { options.root = .directory(try await RootArchive.unpacked(path)) }
        let reactor = try Reactor()
        do {
            let (launcher, template, facts) = try await startLauncher(reactor, options)
            return WorkspaceHost(reactor, launcher, template, IsolationReport(facts: facts))
        } catch {
            reactor.stop()
            throw WorkspaceError(
                .unavailable, "this machine cannot make workspaces: \(error.message)\(advice(error))",
                errno: error.errno)
        }
    }

    private static func startLauncher(
        _ reactor: Reactor, _ options: HostOptions, inHostNetwork: Bool = false
    ) async throws(WorkspaceError) -> (Launcher, Template, facts: [String]) {
        let number = launched.add(1, ordering: .relaxed).newValue
        let ownName = "ise-\(getpid())-\(startTime(of: getpid()))"
        // Before the launcher is started: it shall be in the same leaf.
        let finding = Delegation.ofThisProcess()
        let launcher = try Launcher(reactor: reactor)
        var template = Template(cgroupName: "\(ownName)-\(number)", options: options, isInHostNetwork: inHostNetwork)
        var facts: [String] = []
        switch finding {
        case .usable(let delegation): template.delegation = delegation
        case .unusable(let reason): facts = ["undelegated=\(reason)"]
        case nil: break
        }
        do {
            return (launcher, template, try await launcher.build(try template.message()) + facts)
        } catch {
            await launcher.end()
            throw error
        }
    }

    private init(_ reactor: Reactor, _ launcher: Launcher, _ template: Template, _ isolation: IsolationReport) {
        self.template = template
        self.reactor = reactor
        self.launcher = launcher
        self.isolation = isolation
    }

    /// A fresh workspace: one that waits ready, if there is one for this policy.
    ///
    /// - Parameter binds: what this workspace sees of the host besides, read-only. Such a one never waits ready. A source must be
    ///   there and must not be a link.
    /// - Throws: `invalidPath`, `notFound`, `permission` for a bind, naming it; `limitUnenforceable`, `unavailable`.
    public func open(
        _ policy: Policy = Policy(), binds: [HostOptions.Bind] = []
    ) async throws(WorkspaceError) -> Workspace {
        guard binds.isEmpty else { return try await make(policy, binds: try CheckedBind.all(binds)) }
        while let ready = spare[policy]?.popLast() {
            Task { await self.fill(policy) }
            if ready.isOpen { return ready }
        }
        return try await make(policy)
    }

    /// Keeps `count` workspaces of this policy ready from now on.
    public func prepare(_ count: Int, policy: Policy = Policy()) async {
        spareCount[policy] = count
        await fill(policy)
    }

    /// Closes what waits ready, ends the launcher and with it every workspace; nothing is left when it returns.
    public func shutdown() async {
        guard !isShutDown else { return }
        isShutDown = true
        spare = [:]
        await launcher.end()
        if case .success(let second)? = await hostNetworkLauncher?.value { await second.end() }
        reactor.stop()
    }

    func make(
        _ policy: Policy, over layers: [FrozenLayer] = [], binds: [CheckedBind] = []
    ) async throws(WorkspaceError) -> Workspace {
        guard !isShutDown else { throw WorkspaceError(.unavailable, "the workspace host is shut down") }
        let launcher = try await launcher(for: policy)
        guard !isShutDown else { throw WorkspaceError(.unavailable, "the workspace host is shut down") }
        let number = try number(of: policy, launcher)
        // One that ends without a word was one of the launcher's two spares, killed by somebody.
        for _ in 0..<2 {
            do { return try await startWorkspace(policy, number, layers, binds, launcher) } catch {
                guard error.code == .closed, !isShutDown else { throw error }
            }
        }
        return try await startWorkspace(policy, number, layers, binds, launcher)
    }

    private func startWorkspace(
        _ policy: Policy, _ number: UInt32, _ layers: [FrozenLayer], _ binds: [CheckedBind], _ launcher: Launcher
    ) async throws(WorkspaceError) -> Workspace {
        let workspace = Workspace(
            id: "ws-\(nextWorkspace)", policy: policy, number: number, layers: layers, binds: binds,
            template: template, isolation: isolation, reactor: reactor, launcher: launcher)
        nextWorkspace += 1
        try await workspace.start()
        return workspace
    }

    private func fill(_ policy: Policy) async {
        guard filling.insert(policy).inserted else { return }
        while !isShutDown, spare[policy, default: []].count < spareCount[policy] ?? 0 {
            // A failure shows itself to the next one that opens.
            guard let workspace = try? await make(policy) else { break }
            if isShutDown { await workspace.close() } else { spare[policy, default: []].append(workspace) }
        }
        filling.remove(policy)
    }

    private func launcher(for policy: Policy) async throws(WorkspaceError) -> Launcher {
        guard policy.network == .host else { return launcher }
        if let hostNetworkLauncher { return try await hostNetworkLauncher.value.get() }
        let starting = Task { [reactor, options = template.options] () -> Result<Launcher, WorkspaceError> in
            do throws(WorkspaceError) {
                return .success(try await Self.startLauncher(reactor, options, inHostNetwork: true).0)
            } catch {
                let message = "could not start a launcher in the host's network: \(error.message)"
                return .failure(WorkspaceError(.unavailable, message, errno: error.errno))
            }
        }
        hostNetworkLauncher = starting
        let result = await starting.value
        if case .failure = result { hostNetworkLauncher = nil }  // the next one tries again
        return try result.get()
    }

    private func number(of policy: Policy, _ launcher: Launcher) throws(WorkspaceError) -> UInt32 {
        let policy = policy.withoutRules
        if let number = policies[policy] { return number }
        let number = UInt32(policies.count)
        try launcher.define(policy.message(number: number, on: isolation))
        policies[policy] = number
        return number
    }

    /// Field 22 of `/proc/PID/stat`: with the pid it names one process for good.
    private static func startTime(of pid: pid_t) -> String {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let descriptor = Glibc.open("/proc/\(pid)/stat", O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        let length = max(0, Glibc.read(descriptor, &buffer, buffer.count))
        let text = String(decoding: buffer[..<length], as: UTF8.self)
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 19 ? String(fields[19]) : "0"
    }

    private static func advice(_ error: WorkspaceError) -> String {
        guard error.message.contains("user namespace") else { return "" }
        return ". User namespaces may be switched off here: see kernel.unprivileged_userns_clone, "
            + "user.max_user_namespaces and kernel.apparmor_restrict_unprivileged_userns (sysctl), or run as root"
    }
}
