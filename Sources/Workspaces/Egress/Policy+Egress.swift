import Glibc
import WorkspaceShim

extension Policy.Network: CustomStringConvertible {
    /// As policies name it.
    public var description: String {
        switch self {
        case .none: "none"
        case .loopback: "loopback"
        case .allowList: "allow-list"
        case .host: "host"
        }
    }

    /// A namespace of the workspace's own, with `lo` up.
    var isPrivate: Bool {
        switch self {
        case .loopback, .allowList: true
        case .none, .host: false
        }
    }

    /// How programs are told of the proxy. In upper and lower case, since there is no standard.
    ///
    /// - Parameter port: another than the workspace's, for a command with rules of its own.
    func environment(port: UInt16? = nil) -> [String: String] {
        guard case .allowList = self else { return [:] }
        let proxy = "http://127.0.0.1:\(port ?? UInt16(ISE_PROXY_PORT))"
        let direct = "localhost,127.0.0.1,::1"
        return [
            "HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "http_proxy": proxy, "https_proxy": proxy, "NO_PROXY": direct,
            "no_proxy": direct,
        ]
    }
}

extension Policy {
    func makeProxy(_ reactor: Reactor) -> EgressProxy? {
        guard case .allowList(let rules) = network else { return nil }
        return EgressProxy(rules: rules, limits: egress, reactor: reactor)
    }

    /// What the launcher and an init know of it: they keep only so many, and the rules are none of their business.
    var withoutRules: Policy {
        var policy = self
        if case .allowList = network { policy.network = .allowList([]) }
        policy.egress = EgressLimits()
        return policy
    }
}

extension Workspace {
    /// Every connection that was tried through the proxy of an allow-list since the workspace was opened, in order.
    public var egressAttempts: [EgressAttempt] { egress?.log.attempts(since: 0) ?? [] }

    /// Without its socket a workspace with an allow-list must not be handed out: what is asked for and not there would
    /// only show itself as a network that is down.
    func listen(_ descriptors: [Int32]) -> Result<Void, WorkspaceError> {
        if let egress, descriptors.count == 1 {
            egress.attach(descriptors[0])
            if !isOpen { egress.detach() }  // it was closed meanwhile, on another thread
            return .success(())
        }
        for descriptor in descriptors { Glibc.close(descriptor) }
        guard egress != nil || !descriptors.isEmpty else { return .success(()) }
        return .failure(
            WorkspaceError(
                .unavailable, "the launcher gave \(descriptors.count) listening sockets for the proxy, not one"))
    }
}
