import Lua
import Workspaces

/// What a plugin may do in a run: what its manifest asks for and the run's policy grants. Both have to allow a thing.
public struct EffectivePermissions: Sendable, Hashable {
    /// For the lines that denials suggest.
    let name: String
    public let asked: PluginPermissions
    public let effects: PluginEffects
    public let ceiling: PluginCeiling
    private let isUnlimited: Bool
    /// What the kernel holds its processes to.
    public private(set) var confinement = Confinement()

    public init(_ manifest: PluginManifest, ceiling: PluginCeiling = PluginCeiling()) {
        name = manifest.name
        asked = manifest.permissions
        effects = manifest.effects
        self.ceiling = ceiling
        isUnlimited = ceiling == PluginCeiling()
        confinement = ofProcesses
    }

    public func allows(_ action: PluginAction) -> Bool {
        action.isAllowed(asked, effects) && (isUnlimited || action.policyLine(ceiling) == nil)
    }

    /// Nil when it is allowed; else an error that says which of the two would have to allow it, and with which line.
    public func denial(of action: PluginAction) -> LuaHostError? {
        if allows(action) { return nil }
        var lines: [String] = []
        if let line = action.manifestLine(asked, effects) { lines.append("the manifest would allow it with \(line)") }
        if let line = action.policyLine(ceiling) {
            lines.append(#"the run's plugin policy would allow it with "plugins": {"\#(name)": {\#(line)}}"#)
        }
        return LuaHostError(
            "E_PERMISSION", "the plugin may not \(action); \(lines.joined(separator: ", and "))")
    }

    /// A function of this name that only tells why the action is denied; nil when it is allowed.
    func deniedFunction(_ name: String, needing action: PluginAction) -> LuaHostFunction? {
        if allows(action) { return nil }
        return .denied(name, denial(of: action) ?? LuaHostError("E_PERMISSION", "the plugin may not \(action)"))
    }

    public func check(_ action: PluginAction) throws(LuaHostError) {
        if let denial = denial(of: action) { throw denial }
    }

    /// Programs that may be started, both lists met; "*" for any.
    public var programs: [String] { Self.meet(asked.programs, ceiling.programs) }
    /// Names of variables of ISE's own environment that it may see.
    public var environment: [String] { Self.meet(asked.environment, ceiling.environment) }
    public var model: Bool { asked.model && ceiling.model != false }
    /// Bytes of state kept between calls.
    public var state: Int { min(asked.state, ceiling.state ?? asked.state) }

    static func meet(_ asked: [String], _ granted: [String]?) -> [String] {
        guard let granted, !granted.contains("*") else { return asked }
        return asked.contains("*") ? granted : asked.filter(granted.contains)
    }
}

extension PluginEffects {
    /// Whether calls of the plugin may run beside other calls. Only what says so may.
    public var allowsParallelCalls: Bool { parallel == true }
    /// Whether a call that failed on the way may be made again.
    public var allowsRepeating: Bool { idempotent == true }
}
