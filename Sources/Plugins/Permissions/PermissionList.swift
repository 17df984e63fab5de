import JSON

/// What a plugin asks for, one short line a thing: for lock files and for people who compare two versions.
public struct PermissionList: Sendable, Hashable {
    /// Sorted, none twice.
    public let lines: [String]

    public init(_ manifest: PluginManifest) {
        let permissions = manifest.permissions
        var lines = permissions.files.map { file in
            "fs \(file.reads ? "r" : "")\(file.writes ? "w" : "") \(file.pattern)"
        }
        lines += permissions.programs.map { "exec \($0)" }
        lines += permissions.network.map { "network \($0)" }
        lines += permissions.environment.map { "env \($0)" }
        if permissions.model { lines.append("model") }
        if permissions.sessions { lines.append("sessions") }
        if permissions.schedule { lines.append("schedule") }
        if permissions.state > 0 { lines.append("state_kb \(permissions.state >> 10)") }
        let confinement = EffectivePermissions(manifest).confinement
        if !permissions.programs.isEmpty, confinement.writes { lines.append("programs that write") }
        if !permissions.programs.isEmpty, confinement.network == .inherited {
            lines.append("programs that use the workspace's network")
        }
        self.init(lines: lines)
    }

    init(lines: [String]) { self.lines = Set(lines).sorted() }

    public func beyond(_ other: PermissionList) -> [String] { lines.filter { !other.lines.contains($0) } }
}
