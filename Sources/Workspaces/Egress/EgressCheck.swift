import Basics

/// What a network policy says about connections that the host itself makes on behalf of something in a workspace: the same
/// rules, names and addresses as the workspace's own proxy goes by.
public struct EgressCheck: Sendable {
    private let network: Policy.Network
    private let narrowing: EgressRules?
    private let resolve: @Sendable (String) -> Resolution

    /// - Parameter narrowing: rules that must allow a target besides the policy; nil: any will do.
    public init(_ network: Policy.Network, narrowedBy narrowing: [EgressRule]? = nil) {
        self.init(network, narrowedBy: narrowing, resolve: Resolver.resolve)
    }

    init(
        _ network: Policy.Network, narrowedBy narrowing: [EgressRule]?,
        resolve: @escaping @Sendable (String) -> Resolution
    ) {
        self.network = network
        self.narrowing = narrowing.map(EgressRules.init)
        self.resolve = resolve
    }

    /// Decides about one connection, and looks its name up if it may be made.
    ///
    /// - Parameter method: for the record.
    /// - Returns: the attempt, with `address` set to the one that may be connected to when its verdict is `pending`.
    public func attempt(_ method: String, host: String, port: Int) async -> EgressAttempt {
        var attempt = EgressAttempt(method: method, host: host, port: port)
        let target: EgressTarget
        do throws(EgressSyntaxError) {
            guard let number = UInt16(exactly: port), number > 0 else {
                throw EgressSyntaxError("\(port) is not a port")
            }
            target = EgressTarget(host: try EgressHost(InternationalName.ascii(host)), port: number)
        } catch {
            (attempt.verdict, attempt.reason) = (.refused, error.reason)
            return attempt
        }
        attempt.host = target.host.description
        if let refusal = refusal(of: target) {
            (attempt.verdict, attempt.reason) = (.refused, refusal)
            return attempt
        }
        await connectable(target, &attempt)
        return attempt
    }

    /// Why no connection to it may be made, whatever its address; nil: one may.
    private func refusal(of target: EgressTarget) -> String? {
        switch network {
        case .none, .loopback:
            return "the run has no network (its policy says \"\(network)\")"
        case .allowList(let rules) where EgressRules(rules: rules).rule(for: target) == nil:
            return "no rule of the allow-list names it; the missing rule is \(target)"
        case .allowList, .host:
            guard let narrowing, narrowing.rule(for: target) == nil else { return nil }
            return "the tool's own permissions do not name it; the missing one is \(target)"
        }
    }

    private func connectable(_ target: EgressTarget, _ attempt: inout EgressAttempt) async {
        let resolution: Resolution
        switch target.host {
        case .address(let address): resolution = Resolution(addresses: [address])
        case .name(let name):
            let resolve = resolve
            resolution = await blocking { resolve(name) }
        }
        guard !resolution.addresses.isEmpty else {
            (attempt.verdict, attempt.reason) = (.failed, "the name cannot be resolved: \(resolution.failure)")
            return
        }
        let own = await blocking { Resolver.ownAddresses() }
        let (permitted, refusals) = rules.permitted(resolution.addresses, of: target, own: own)
        guard let address = permitted.first else {
            (attempt.verdict, attempt.reason) = (
                .refused,
                "it resolves to \(refusals.joined(separator: "; ")), which only a rule for that very address allows"
            )
            return
        }
        attempt.address = address.description
        attempt.reason = rules.rule(for: target)?.description ?? "the policy gives the host's network"
    }

    private var rules: EgressRules {
        if case .allowList(let rules) = network { EgressRules(rules: rules) } else { EgressRules(rules: []) }
    }
}

extension Workspace {
    /// Counts bytes that the host has moved for something in here among those of the workspace's own way out. False when it
    /// has used up what its policy allows.
    public func chargeEgress(_ bytes: Int) -> Bool { egress?.charge(bytes) ?? true }
}

extension EgressAttempt {
    /// One that has just begun.
    init(method: String, host: String, port: Int) {
        self.init(time: Self.now)
        self.method = method
        self.host = host
        self.port = port
    }
}
