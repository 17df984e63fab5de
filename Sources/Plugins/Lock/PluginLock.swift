import JSON

/// The plugins that somebody has looked at and granted what they ask for, by the hash of their content. With a lock
/// nothing else is loaded.
///
///     {
///       "plugins": [
///         {"kind": "tool", "name": "exec", "version": "0.1.0", "sha256": "…", "permissions": ["exec *", "fs rw **"]}
///       ]
///     }
public struct PluginLock: Sendable, Hashable {
    public struct Entry: Sendable, Hashable {
        public var kind: PluginManifest.Kind
        public var name: String
        public var version: String
        /// As ``Plugin/hash``.
        public var hash: String
        public var permissions: PermissionList

        init(_ plugin: Plugin) {
            kind = plugin.manifest.kind
            name = plugin.manifest.name
            version = plugin.manifest.version.description
            hash = plugin.hash
            permissions = PermissionList(plugin.manifest)
        }

        var title: String { "\(kind.rawValue) \(name)" }
    }

    /// Sorted by kind and name.
    public private(set) var entries: [Entry]

    public init(_ plugins: [Plugin]) {
        entries = plugins.map(Entry.init).sorted { ($0.kind.rawValue, $0.name) < ($1.kind.rawValue, $1.name) }
    }

    public func entry(for plugin: Plugin) -> Entry? {
        entries.first { $0.kind == plugin.manifest.kind && $0.name == plugin.manifest.name }
    }

    /// Why the plugin is not the one that was locked; nil when it is.
    func fault(of plugin: Plugin, file: String) -> String? {
        let now = Entry(plugin)
        guard let locked = entry(for: plugin) else {
            return "the \(now.title) is not in \(file), so nobody has granted what it asks for "
                + "(\(Self.list(now.permissions.lines))); `ise plugin lock` does"
        }
        guard locked.hash != now.hash else { return nil }
        let versions = locked.version == now.version ? "still says \(now.version)" : "is \(now.version) now"
        let more = now.permissions.beyond(locked.permissions)
        let asks = more.isEmpty ? "asks for nothing new" : "newly asks for \(more.joined(separator: ", "))"
        return
            "the \(now.title) is not the \(locked.version) that \(file) has: its content differs, it \(versions) and "
            + "\(asks); `ise plugin lock` grants that"
    }

    private static func list(_ lines: [String]) -> String { lines.isEmpty ? "nothing" : lines.joined(separator: ", ") }
}

// MARK: - Comparing

extension PluginLock {
    /// What `newer` has differently, one line each: "+" for a plugin that is new, "-" for one that is gone, "~" for one
    /// that has changed, with what it asks for more or less.
    public func differences(to newer: PluginLock) -> [String] {
        func key(_ entry: Entry) -> String { entry.title }
        let old = Dictionary(entries.map { (key($0), $0) }) { first, _ in first }
        let new = Dictionary(newer.entries.map { (key($0), $0) }) { first, _ in first }
        return Set(old.keys).union(new.keys).sorted().compactMap { title in
            switch (old[title], new[title]) {
            case (nil, let entry?): "+ \(title) \(entry.version): \(Self.list(entry.permissions.lines))"
            case (let entry?, nil): "- \(title) \(entry.version)"
            case (let before?, let after?) where before != after: Self.change(before, after)
            default: nil
            }
        }
    }

    private static func change(_ before: Entry, _ after: Entry) -> String {
        let versions = before.version == after.version ? after.version : "\(before.version) -> \(after.version)"
        let more = after.permissions.beyond(before.permissions).map { "asks for \($0)" }
        let less = before.permissions.beyond(after.permissions).map { "no longer for \($0)" }
        let changes = more + less
        return
            "~ \(after.title) \(versions): \(changes.isEmpty ? "asks for the same" : changes.joined(separator: ", "))"
    }
}

// MARK: - The file

extension PluginLock {
    public static let fileName = "plugins.lock.json"

    /// The lock of a directory of plugins stands beside it.
    public static func place(beside directory: String) -> String {
        var directory = directory[...]
        while directory.count > 1, directory.hasSuffix("/") { directory.removeLast() }
        guard let slash = directory.lastIndex(of: "/") else { return fileName }
        return directory[...slash] + fileName
    }

    public var json: JSONValue {
        let entries: [JSONValue] = entries.map { entry in
            [
                "kind": .string(entry.kind.rawValue), "name": .string(entry.name), "version": .string(entry.version),
                "sha256": .string(entry.hash), "permissions": JSONValue(entry.permissions.lines),
            ]
        }
        return ["plugins": .array(entries)]
    }

    public init(_ json: JSONValue) throws(ManifestProblem) {
        let reader = try ManifestReader(json, path: "", known: ["plugins"], of: "the lock")
        entries = []
        for (index, value) in try reader.array("plugins").enumerated() {
            let entry = try ManifestReader(
                value, path: "plugins[\(index)]", known: ["kind", "name", "version", "sha256", "permissions"])
            guard let kind = PluginManifest.Kind(rawValue: try entry.string("kind")) else {
                throw entry.wrong("kind", "a kind of plugins")
            }
            entries.append(
                Entry(
                    kind: kind, name: try entry.string("name"), version: try entry.string("version"),
                    hash: try entry.string("sha256"),
                    permissions: PermissionList(lines: try entry.strings("permissions"))))
        }
    }

    /// Nil when there is no such file. Throws `invalid_lock`, also for one that is there and cannot be looked at: a lock that is
    /// passed over locks nothing.
    public static func read(_ file: String) throws(PluginError) -> PluginLock? {
        guard !PluginFiles.isMissing(file) else { return nil }
        let reason: String
        do {
            return try PluginLock(JSONValue(parsing: PluginFiles.read(file)))
        } catch let failure as PluginFiles.Failure {
            reason = failure.reason
        } catch {
            reason = "\(error)"
        }
        throw PluginError(code: "invalid_lock", message: "the lock \(file) cannot be used: \(reason)")
    }
}

extension PluginLock.Entry {
    fileprivate init(
        kind: PluginManifest.Kind, name: String, version: String, hash: String, permissions: PermissionList
    ) {
        self.kind = kind
        self.name = name
        self.version = version
        self.hash = hash
        self.permissions = permissions
    }
}
