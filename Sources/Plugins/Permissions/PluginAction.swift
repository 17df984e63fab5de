import JSON

/// A thing that takes a permission.
public enum PluginAction: Sendable, Hashable, CustomStringConvertible {
    /// Some file.
    case readFiles
    case read(String)
    case writeFiles
    case write(String)
    /// Some program.
    case runPrograms
    /// A program as it stands in argv[0].
    case run(String)
    /// Some host.
    case useNetwork
    case askModel
    case steerSessions
    case schedule
    /// A variable of ISE's own environment.
    case seeVariable(String)
    case keepState

    public var description: String {
        switch self {
        case .readFiles: "read files"
        case .read(let path): "read \(path)"
        case .writeFiles: "write files"
        case .write(let path): "write \(path)"
        case .runPrograms: "run programs"
        case .run(let program): "run \(program)"
        case .useNetwork: "use the network"
        case .askModel: "ask a model"
        case .steerSessions: "start and steer sessions"
        case .schedule: "have things done later"
        case .seeVariable(let name): "see the variable \(name)"
        case .keepState: "keep state"
        }
    }

    func isAllowed(_ permissions: PluginPermissions, _ effects: PluginEffects) -> Bool {
        switch self {
        case .readFiles, .read: if effects.reads == false { return false }
        case .writeFiles, .write: if effects.writes == false { return false }
        case .useNetwork: if effects.network == false { return false }
        default: break
        }
        return Self.isAllowed(self, by: permissions)
    }

    /// The line that a manifest lacks for it; nil when it allows it.
    func manifestLine(_ permissions: PluginPermissions, _ effects: PluginEffects) -> String? {
        switch self {
        case .readFiles, .read:
            if effects.reads == false { return #""effects": {"reads": true}"# }
        case .writeFiles, .write:
            if effects.writes == false, Self.files(permissions.files, allow: self) {
                return #""effects": {"writes": true}"#
            }
        case .useNetwork:
            if effects.network == false, !permissions.network.isEmpty { return #""effects": {"network": true}"# }
        default: break
        }
        return Self.isAllowed(self, by: permissions) ? nil : #""permissions": {\#(line)}"#
    }

    /// The same of the entry of a policy.
    func policyLine(_ ceiling: PluginCeiling) -> String? {
        switch self {
        case .writeFiles, .write:
            if ceiling.writes == false { return #""writes": true"# }
        default: break
        }
        var granted = PluginPermissions()
        granted.files = ceiling.files ?? [.everything]
        granted.programs = ceiling.programs ?? ["*"]
        granted.environment = ceiling.environment ?? ["*"]
        granted.network = ceiling.network ?? ["*"]
        granted.model = ceiling.model ?? true
        granted.sessions = ceiling.sessions ?? true
        granted.schedule = ceiling.schedule ?? true
        granted.state = ceiling.state ?? 1
        return Self.isAllowed(self, by: granted) ? nil : line
    }

    /// What grants it, in a manifest's "permissions" and in an entry of a policy alike.
    var line: String {
        func quoted(_ text: String) -> String { JSONValue.string(text).compact }
        return switch self {
        case .readFiles: #""fs": [{"path": "**", "mode": "r"}]"#
        case .read(let path): #""fs": [{"path": \#(quoted(path)), "mode": "r"}]"#
        case .writeFiles: #""fs": [{"path": "**", "mode": "rw"}]"#
        case .write(let path): #""fs": [{"path": \#(quoted(path)), "mode": "rw"}]"#
        case .runPrograms: #""exec": ["PROGRAM"]"#
        case .run(let program): #""exec": [\#(quoted(program))]"#
        case .useNetwork: #""network": ["HOST:443"]"#
        case .askModel: #""model": true"#
        case .steerSessions: #""sessions": true"#
        case .schedule: #""schedule": true"#
        case .seeVariable(let name): #""env": [\#(quoted(name))]"#
        case .keepState: #""state_kb": 64"#
        }
    }

    private static func isAllowed(_ action: PluginAction, by permissions: PluginPermissions) -> Bool {
        switch action {
        case .readFiles, .read, .writeFiles, .write: files(permissions.files, allow: action)
        case .runPrograms: !permissions.programs.isEmpty
        case .run(let program): permissions.allowsProgram(program)
        case .useNetwork: !permissions.network.isEmpty
        case .askModel: permissions.model
        case .steerSessions: permissions.sessions
        case .schedule: permissions.schedule
        case .seeVariable(let name):
            permissions.environment.contains(name) || permissions.environment.contains("*")
        case .keepState: permissions.state > 0
        }
    }

    private static func files(_ files: [PluginPermissions.Files], allow action: PluginAction) -> Bool {
        switch action {
        case .read(let path): files.contains { $0.reads && $0.pattern.matches(path) }
        case .write(let path): files.contains { $0.writes && $0.pattern.matches(path) }
        case .readFiles: files.contains(where: \.reads)
        case .writeFiles: files.contains(where: \.writes)
        default: false
        }
    }
}
