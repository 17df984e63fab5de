/// All that Lua sees of the host, described once: the stubs for editors, the documentation, the lint and the names of
/// options come from here. A test compares it with what the host registers.
public enum HostReference {
    /// A parameter, an option or a member of a result.
    public struct Field: Sendable, Hashable {
        public var name: String
        /// As the Lua language server writes types: "string", "integer", "string[]", "ws.Entry?" when it may be nil.
        public var type: String
        /// What counts when it is left out, in words or as Lua; nil for one that must be given, or has none.
        public var fallback: String?
        public var doc: String

        public init(_ name: String, _ type: String, default fallback: String? = nil, _ doc: String) {
            self.name = name
            self.type = type
            self.fallback = fallback
            self.doc = doc
        }

        public var isOptional: Bool { type.hasSuffix("?") || fallback != nil }
    }

    /// A table with known members, named as a type.
    public struct Record: Sendable, Hashable {
        public var name: String
        public var doc: String
        public var fields: [Field]

        public init(_ name: String, _ doc: String, _ fields: [Field]) {
            self.name = name
            self.doc = doc
            self.fields = fields
        }
    }

    /// An error that a function raises of its own accord.
    public struct Failure: Sendable, Hashable {
        public var code: String
        public var doc: String

        public init(_ code: String, _ doc: String) {
            self.code = code
            self.doc = doc
        }
    }

    /// Where a function is made.
    public enum Origin: Sendable {
        /// Registered by the host; its calls leave Lua.
        case host
        /// Of the interpreter's own library.
        case interpreter
    }

    public struct Function: Sendable {
        /// "ws.exec"; "print" for a global; "ctx.fail" for one that a call's context carries.
        public var name: String
        public var doc: String
        public var parameters: [Field]
        /// Of the table that is the last parameter; empty: there is none.
        public var options: [Field]
        /// The type that it gives; nil: nothing.
        public var result: String?
        public var resultDoc: String
        public var failures: [Failure]
        /// What the manifest must grant; nil: nothing.
        public var permission: HostPermission?
        /// It suspends the caller until the host has answered, so it cannot be used in a sort comparator and the like.
        public var waits: Bool
        /// The host API that had it first.
        public var since: Int
        public var origin: Origin

        public init(
            _ name: String, _ doc: String, _ parameters: [Field] = [], options: [Field] = [],
            returns result: String? = nil, _ resultDoc: String = "", failures: [Failure] = [],
            permission: HostPermission? = nil, waits: Bool = false, since: Int = 1, origin: Origin = .host
        ) {
            self.name = name
            self.doc = doc
            self.parameters = parameters
            self.options = options
            self.result = result
            self.resultDoc = resultDoc
            self.failures = failures
            self.permission = permission
            self.waits = waits
            self.since = since
            self.origin = origin
        }

        /// "ws" of "ws.exec"; "" for a global.
        public var library: String { name.lastIndex(of: ".").map { String(name[..<$0]) } ?? "" }
        public var member: String { name.lastIndex(of: ".").map { String(name[name.index(after: $0)...]) } ?? name }
    }

    /// In the order of the documentation.
    public static let functions: [Function] =
        workspace + jobs + services + model + state + context + logging + time + json + random

    /// The tables with known members that the functions give.
    public static let records: [Record] = workspaceRecords + jobRecords + serviceRecords + modelRecords

    public static func function(_ name: String) -> Function? { byName[name] }

    /// Names of the options that a host function takes.
    static func options(of function: String) -> [String] { optionNames[function] ?? [] }

    static let byName = Dictionary(functions.map { ($0.name, $0) }) { first, _ in first }
    private static let optionNames = byName.mapValues { $0.options.map(\.name) }
}

/// What a host function needs of the manifest.
public struct HostPermission: Sendable {
    public let need: PluginAction
    /// The path in the manifest: "permissions.fs".
    public let key: String

    init(_ need: PluginAction, key: String) {
        self.need = need
        self.key = "permissions.\(key)"
    }

    /// "read files".
    public var action: String { need.description }
    /// The line that grants it.
    public var manifestLine: String { #""permissions": {\#(need.line)}"# }

    public func isGranted(_ manifest: PluginManifest) -> Bool { missingLine(in: manifest) == nil }

    /// The line that the manifest lacks for it.
    public func missingLine(in manifest: PluginManifest) -> String? {
        need.manifestLine(manifest.permissions, manifest.effects)
    }

    public static let exec = HostPermission(.runPrograms, key: "exec")
    public static let read = HostPermission(.readFiles, key: "fs")
    public static let write = HostPermission(.writeFiles, key: "fs")
    public static let network = HostPermission(.useNetwork, key: "network")
    public static let sessions = HostPermission(.steerSessions, key: "sessions")
    public static let schedule = HostPermission(.schedule, key: "schedule")
    public static let state = HostPermission(.keepState, key: "state_kb")
    public static let model = HostPermission(.askModel, key: "model")
}
