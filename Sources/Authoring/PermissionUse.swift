import JSON
import Plugins

/// What the specs of a plugin used of what its manifest permits.
public struct PermissionUse: Sendable {
    /// Permissions that no spec made use of: "permissions.exec".
    public var unused: [String] = []
    /// Host functions that the plugin called and was not permitted to, and how often.
    public var denied: [(function: String, count: Int)] = []

    private let title: String

    public init(_ plugin: Plugin, _ results: [TestResult]) {
        title = plugin.title
        let calls = results.flatMap(\.records).flatMap(\.hostCalls)
        let used = Set(calls.filter { $0.errorCode != "E_PERMISSION" }.map(\.function))
        var permissions: [String: Bool] = [:]
        for function in HostReference.functions {
            guard let permission = function.permission, permission.isGranted(plugin.manifest) else { continue }
            let name = "\(permission.key) (\(permission.action))"
            permissions[name] = permissions[name] == true || used.contains(function.name)
        }
        unused = permissions.filter { !$0.value }.keys.sorted()
        // What programs need of files and network is not seen here.
        if !plugin.manifest.permissions.programs.isEmpty {
            unused.removeAll { $0.hasPrefix(HostPermission.write.key) || $0.hasPrefix(HostPermission.network.key) }
        }
        var denials: [String: Int] = [:]
        for call in calls where call.errorCode == "E_PERMISSION" { denials[call.function, default: 0] += 1 }
        denied = denials.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// One line of `--json`.
    public var json: JSONValue {
        let denials = denied.map { denial -> JSONValue in
            ["function": .string(denial.function), "count": .int(denial.count)]
        }
        return ["plugin": .string(title), "unused_permissions": JSONValue(unused), "denied": .array(denials)]
    }

    public var text: String {
        var rows: [String] = []
        if !unused.isEmpty { rows.append("  permitted, and used by no spec: \(unused.joined(separator: ", "))") }
        for denial in denied { rows.append("  not permitted: \(denial.function), tried \(denial.count) times") }
        return rows.isEmpty ? "  permissions: all that is permitted is used" : rows.joined(separator: "\n")
    }
}
