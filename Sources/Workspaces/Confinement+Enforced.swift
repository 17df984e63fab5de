import Glibc
import WorkspaceShim

/// A confinement as the init takes it.
struct EnforcedConfinement: Sendable {
    let confinement: Confinement
    /// Of the proxy that goes by the command's own rules.
    var proxyPort: UInt16?

    /// - Throws: `limitUnenforceable` when the kernel lacks what it takes; `invalidPath` for a program that is no name.
    func add(to message: inout OutgoingMessage, on machine: IsolationReport) throws(WorkspaceError) {
        if !confinement.writes {
            // Before version 3, a file could still be truncated.
            try need(3, machine, "a read-only file system")
            message.add(ISE_T_READ_ONLY, 1)
        }
        if let programs = confinement.programs {
            try need(1, machine, "a list of programs")
            message.add(ISE_T_ONLY_PROGRAMS, 1)
            for program in try checked(programs) { message.add(ISE_T_PROGRAM, string: program) }
        }
        if let proxyPort {
            try need(4, machine, "rules for the network")
            message.add(ISE_T_PROXY_PORT, proxyPort)
        } else if confinement.network != .inherited {
            message.add(ISE_T_NO_NETWORK, 1)
        }
    }

    private func need(_ version: Int, _ machine: IsolationReport, _ what: String) throws(WorkspaceError) {
        guard machine.landlock < version else { return }
        throw WorkspaceError(
            .limitUnenforceable,
            "the command is to be confined to \(what), which needs version \(version) of the kernel's Landlock: here it is "
                + (machine.landlock == 0 ? "switched off" : "\(machine.landlock)"))
    }

    private func checked(_ programs: [String]) throws(WorkspaceError) -> [String] {
        guard programs.count <= Int(ISE_MAX_PROGRAMS) else {
            throw WorkspaceError(
                .tooBig, "\(programs.count) programs are listed for one command, the limit is \(ISE_MAX_PROGRAMS)")
        }
        for program in programs
        where program.isEmpty || program.utf8.contains(0) || (program.contains("/") && !program.hasPrefix("/")) {
            throw WorkspaceError(
                .invalidPath,
                "\"\(program)\" cannot be a program that a command is confined to: that is a name, or an absolute path")
        }
        return programs
    }
}

extension Workspace {
    /// Sees to it that the command's own rules have a proxy.
    func enforced(_ confinement: Confinement) async throws(WorkspaceError) -> EnforcedConfinement {
        var enforced = EnforcedConfinement(confinement: confinement)
        guard case .only(let rules) = confinement.network else { return enforced }
        if policy.network == .host {
            throw WorkspaceError(
                .limitUnenforceable,
                "the command is to reach only what its rules name, but its workspace is in the host's network, where no proxy "
                    + "stands between: give the workspace an allow-list")
        }
        // In a network that leads nowhere, whatever the rules say is no more than nothing.
        guard let egress else { return enforced }
        enforced.proxyPort = try await narrowProxy(egress, rules)
        return enforced
    }

    /// The port of the proxy for commands with these rules, opened at the first of them.
    private func narrowProxy(_ egress: EgressProxy, _ rules: [EgressRule]) async throws(WorkspaceError) -> UInt16 {
        if let port = egress.port(of: rules) { return port }
        let answer = try await ask(ISE_LISTEN, path: "/")
        guard let listener = answer.descriptors.first else { throw .failed(stage: "listen for the proxy", errno: EIO) }
        return try egress.attach(listener, narrowedBy: rules)
    }
}
