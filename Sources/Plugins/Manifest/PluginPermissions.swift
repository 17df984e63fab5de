import Workspaces

/// What a plugin may reach. What is not declared is not there.
public struct PluginPermissions: Sendable, Hashable {
    /// Files of the workspace, by pattern.
    public struct Files: Sendable, Hashable {
        public var pattern: PathPattern
        public var reads: Bool
        public var writes: Bool

        static let everything = Files(pattern: PathPattern("**"), reads: true, writes: true)
    }

    public var files: [Files] = []
    /// Programs that may be started, as they stand in argv[0]; "*" for any.
    public var programs: [String] = []
    /// Rules of an allow-list ("host:port", "*.domain:port"), or "*" for all that the run allows.
    public var network: [String] = []
    /// Names of variables of ISE's own environment.
    public var environment: [String] = []
    /// Whether it may ask a model.
    public var model = false
    /// Whether it may start dialogues below its own, and speak with them.
    public var sessions = false
    /// Whether it may have things done later.
    public var schedule = false
    /// Bytes of state kept between calls.
    public var state = 0

    public init() {}

    public func allowsReading(_ path: String) -> Bool { files.contains { $0.reads && $0.pattern.matches(path) } }
    public func allowsWriting(_ path: String) -> Bool { files.contains { $0.writes && $0.pattern.matches(path) } }
    public func allowsProgram(_ name: String) -> Bool { programs.contains("*") || programs.contains(name) }
}

/// A pattern over paths of a workspace: "*" stands for characters other than "/", "?" for one, "**" for any number of
/// directories. A relative pattern or path begins at the home; "**" alone is everything.
public struct PathPattern: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    private let components: [String]

    public init(_ text: String) {
        description = text
        components = text == "**" ? ["**"] : Self.components(of: text)
    }

    static let home = "/home/user"

    /// "." and ".." are resolved by their letters; links are the workspace's business, which never lets them lead out.
    static func components(of path: String) -> [String] {
        var result: [String] = []
        for part in (path.isAbsolutePath ? path : home + "/" + path).pathNames {
            switch part {
            case ".": break
            case "..": _ = result.popLast()
            default: result.append(String(part))
            }
        }
        return result
    }

    public func matches(_ path: String) -> Bool {
        Self.match(components[...], Self.components(of: path)[...])
    }

    /// Greedy with one point to come back to, so the time is quadratic at worst.
    private static func match(_ pattern: ArraySlice<String>, _ path: ArraySlice<String>) -> Bool {
        var (p, s) = (pattern.startIndex, path.startIndex)
        var retry: (pattern: Int, path: Int)?
        while s < path.endIndex {
            if p < pattern.endIndex, pattern[p] == "**" {
                retry = (p + 1, s)
                p += 1
            } else if p < pattern.endIndex, matchName(Array(pattern[p].utf8), Array(path[s].utf8)) {
                p += 1
                s += 1
            } else if let last = retry {
                retry = (last.pattern, last.path + 1)
                (p, s) = (last.pattern, last.path + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "**" }
    }

    private static func matchName(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        var (p, s) = (0, 0)
        var retry: (pattern: Int, name: Int)?
        while s < name.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                retry = (p + 1, s)
                p += 1
            } else if p < pattern.count, pattern[p] == name[s] || pattern[p] == UInt8(ascii: "?") {
                p += 1
                s += 1
            } else if let last = retry {
                retry = (last.pattern, last.name + 1)
                (p, s) = (last.pattern, last.name + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
