/// A version after semver.org: "1.2.3" or "1.2.3-beta.1".
public struct PluginVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var major: Int
    public var minor: Int
    public var patch: Int
    /// What stands behind the hyphen; "" for a release.
    public var prerelease: String

    public init?(_ text: String) {
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false).compactMap(Self.number)
        guard numbers.count == 3, parts[0].split(separator: ".", omittingEmptySubsequences: false).count == 3 else {
            return nil
        }
        if parts.count == 2, parts[1].isEmpty { return nil }
        (major, minor, patch) = (numbers[0], numbers[1], numbers[2])
        prerelease = parts.count == 2 ? String(parts[1]) : ""
    }

    static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }

    public var description: String {
        "\(major).\(minor).\(patch)" + (prerelease.isEmpty ? "" : "-\(prerelease)")
    }

    /// A prerelease comes before its release; two prereleases compare as text.
    public static func < (a: PluginVersion, b: PluginVersion) -> Bool {
        if (a.major, a.minor, a.patch) != (b.major, b.minor, b.patch) {
            return (a.major, a.minor, a.patch) < (b.major, b.minor, b.patch)
        }
        if a.prerelease.isEmpty || b.prerelease.isEmpty { return !a.prerelease.isEmpty && b.prerelease.isEmpty }
        return a.prerelease < b.prerelease
    }
}

/// Which versions of a library will do: "^1.2" (from 1.2.0, below 2.0.0), ">=1.2", "1.2.3" (only that), "*".
public struct VersionRequirement: Sendable, Hashable, CustomStringConvertible {
    private enum Rule: Hashable { case any, exactly(PluginVersion), atLeast(PluginVersion), compatible(PluginVersion) }

    private var rule: Rule
    public let description: String

    public init?(_ text: String) {
        description = text
        if text == "*" {
            rule = .any
        } else if text.hasPrefix("^"), let version = Self.padded(text.dropFirst()) {
            rule = .compatible(version)
        } else if text.hasPrefix(">="), let version = Self.padded(text.dropFirst(2)) {
            rule = .atLeast(version)
        } else if let version = PluginVersion(text) {
            rule = .exactly(version)
        } else {
            return nil
        }
    }

    private static func padded(_ text: Substring) -> PluginVersion? {
        let missing = 2 - text.prefix { $0 != "-" }.count { $0 == "." }
        return PluginVersion(text + String(repeating: ".0", count: max(0, missing)))
    }

    public func accepts(_ version: PluginVersion) -> Bool {
        switch rule {
        case .any: true
        case .exactly(let wanted): version == wanted
        case .atLeast(let lowest): version >= lowest
        case .compatible(let lowest):
            version >= lowest && version.major == lowest.major && (lowest.major > 0 || version.minor == lowest.minor)
        }
    }
}
