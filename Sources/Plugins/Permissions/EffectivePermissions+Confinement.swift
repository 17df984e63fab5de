import Workspaces

/// What the kernel holds the processes of a plugin to.
///
/// - A plugin that may run any program ("*") and declares nothing more is as wide as its workspace. One that names its
///   programs gets for them what it declares, and nothing else.
/// - Programs: the list is the allow-list of every `execve` of the process and what it starts.
/// - Writing: the kernel cannot tell one path of a workspace from the next, so processes may write when the plugin may
///   write everywhere ("**"); write patterns that are narrower, `effects.writes: false`, or a policy that says either,
///   make the file system read-only for them.
/// - Reading: a process can read whatever the workspace's user can; read patterns bind `ws.read` and its kin only.
/// - Network: the rules of "network"; `effects.network: false` leaves not even the loopback.
extension EffectivePermissions {
    var ofProcesses: Confinement {
        var confinement = Confinement()
        confinement.writes = processesMayWrite
        confinement.programs = programs.contains("*") ? nil : programs
        confinement.network = network
        return confinement
    }

    private var isWide: Bool { asked.programs.contains("*") }

    private var processesMayWrite: Bool {
        guard effects.writes != false, ceiling.writes != false else { return false }
        if let granted = ceiling.files, !granted.contains(where: \.writesEverywhere) { return false }
        if asked.files.isEmpty { return isWide || effects.writes == true }
        return asked.files.contains(where: \.writesEverywhere)
    }

    private var network: Confinement.Network {
        guard effects.network != false else { return .none }
        let declared = asked.network.contains("*") ? nil : asked.network
        let isOpen = declared == nil || asked.network.isEmpty && (isWide || effects.network == true)
        let granted = ceiling.network.flatMap { $0.contains("*") ? nil : $0 }
        switch (isOpen ? nil : declared, granted) {
        case (nil, nil): return .inherited
        case (let rules?, nil), (nil, let rules?): return Self.only(Self.rules(rules))
        case (let asked?, let granted?): return Self.only(Self.meet(Self.rules(asked), Self.rules(granted)))
        }
    }

    /// The rules for connections that the host makes for it; nil: whatever the workspace may reach.
    public var networkRules: [EgressRule]? {
        switch confinement.network {
        case .inherited: nil
        case .none: []
        case .only(let rules): rules
        }
    }

    private static func only(_ rules: [EgressRule]) -> Confinement.Network { rules.isEmpty ? .none : .only(rules) }

    /// Manifests and policies are checked when they are read, so none is lost here.
    private static func rules(_ texts: [String]) -> [EgressRule] { texts.compactMap { try? EgressRule($0) } }

    private static func meet(_ asked: [EgressRule], _ granted: [EgressRule]) -> [EgressRule] {
        var seen: Set<EgressRule> = []
        return asked.flatMap { rule in granted.compactMap { rule.meeting($0) } }.filter { seen.insert($0).inserted }
    }
}

extension PluginPermissions.Files {
    var writesEverywhere: Bool { writes && ["**", "/**"].contains(pattern.description) }
}
