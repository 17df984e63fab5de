import Trace

/// A plugin as it was read: its manifest and its sources, which stay as they are whatever happens to the files.
public struct Plugin: Sendable {
    public var manifest: PluginManifest
    /// The Lua files by their path in the folder ("main.lua", "lib/count.lua"), specs left out. A one-file plugin has
    /// one, under its own name.
    public var sources: [String: [UInt8]]
    /// The source that is run first.
    public var mainFile: String
    /// SHA-256, in hexadecimal, over the manifest and all sources and the hashes of the libraries.
    public var hash: String
    /// Where it was read from: the folder, or the one file.
    public var location: String
    /// The library plugins that it requires, by name.
    public var libraries: [String: Plugin]
    /// Whether it comes from a directory of ISE's own.
    public var isShipped = false
    /// Where its Lua runs.
    public var engine = PluginEngine.inProcess
    /// What the run grants at most.
    public var ceiling = PluginCeiling()

    /// What it may do in this run.
    public var permissions: EffectivePermissions { EffectivePermissions(manifest, ceiling: ceiling) }
    public var limits: PluginLimits { manifest.limits.lowered(by: ceiling.limits) }

    /// "tool exec".
    public var title: String { manifest.title }

    init(manifest: PluginManifest, sources: [String: [UInt8]], mainFile: String, location: String) {
        self.manifest = manifest
        self.sources = sources
        self.mainFile = mainFile
        self.location = location
        libraries = [:]
        hash = ""
        updateHash()
    }

    /// Each part goes in with its length, so that no two plugins share a hash by moving bytes from one file to the
    /// next.
    mutating func updateHash() {
        var hasher = ContentHasher()
        func add(_ bytes: [UInt8]) {
            hasher.update(Array("\(bytes.count):".utf8))
            hasher.update(bytes)
        }
        add(manifest.json.canonicalBytes)
        for (path, source) in sources.sorted(by: { $0.key < $1.key }) {
            add(Array(path.utf8))
            add(source)
        }
        for (name, library) in libraries.sorted(by: { $0.key < $1.key }) {
            add(Array(name.utf8))
            add(Array(library.hash.utf8))
        }
        hash = hasher.finish().hex
    }
}

/// A plugin that cannot be used, and why. It never keeps the others from being used.
public struct PluginProblem: Sendable, Equatable, CustomStringConvertible {
    /// The file that is at fault, as it was found.
    public var file: String
    /// 1-based.
    public var line: Int?
    public var reason: String

    public init(file: String, line: Int? = nil, reason: String) {
        self.file = file
        self.line = line
        self.reason = reason
    }

    public var description: String { line.map { "\(file):\($0): \(reason)" } ?? "\(file): \(reason)" }
}
