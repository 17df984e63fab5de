import JSON

/// What was copied out of a workspace, and what was not.
public struct KeptFiles: Sendable {
    public struct File: Sendable, Equatable {
        /// Absolute inside; below the directory that was named, on the host.
        public var path: String
        public var what: FileChange.What
        /// Bytes that were copied.
        public var size: Int
        /// Permission bits on the host.
        public var mode: UInt16
    }
    public struct LeftOut: Sendable, Equatable {
        public var path: String
        public var reason: String
    }

    public var files: [File] = []
    public var directories: [String] = []
    /// Were there before, and are gone.
    public var deleted: [String] = []
    public var leftOut: [LeftOut] = []

    public var bytes: Int { files.reduce(0) { $0 + $1.size } }

    /// The name of the list that lies beside what was kept.
    public static let manifestName = "ise-kept.json"

    public var json: JSONValue {
        let files: [JSONValue] = files.map { file in
            [
                "path": .string(file.path), "what": .string(file.what.rawValue), "size": .int(file.size),
                "mode": .string("0" + String(file.mode, radix: 8)),
            ]
        }
        let leftOut: [JSONValue] = leftOut.map { ["path": .string($0.path), "reason": .string($0.reason)] }
        return [
            "version": 1, "files": .array(files), "bytes": .int(bytes), "directories": JSONValue(directories),
            "deleted": JSONValue(deleted), "left_out": .array(leftOut),
        ]
    }
}

/// Bounds of what is copied out.
public struct KeepLimits: Sendable {
    public var files = 100_000
    public var bytes = 1 << 30
    public init() {}
}
