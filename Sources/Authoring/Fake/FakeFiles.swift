import Glibc
import Workspaces

/// The files of a fake workspace: a tree in memory that answers and fails as the real one does for the commands' user.
/// There are no links.
struct FakeFiles: Sendable {
    private indirect enum Node: Sendable {
        case file(bytes: [UInt8], mode: UInt16)
        /// `refusal`: why nothing can be made or removed in it, as an errno; nil for one of the user's own.
        case directory(refusal: Int32?)
    }

    /// A failed system call.
    struct Failure: Error {
        var errno: Int32
        init(_ errno: Int32) { self.errno = errno }
    }

    private var nodes: [String: Node] = [:]

    init() {
        for path in ["", "/dev", "/etc", "/home", "/proc", "/var"] { nodes[path] = .directory(refusal: EACCES) }
        for path in ["/bin", "/lib", "/usr", "/usr/bin", "/usr/lib"] { nodes[path] = .directory(refusal: EROFS) }
        for path in [Workspace.home, "/tmp", "/var/tmp"] { nodes[path] = .directory(refusal: nil) }
    }

    // MARK: Paths

    /// The path without "." and ".." and who is at it; nil: nobody is, but there is a directory to put it.
    private func find(_ path: String) throws(Failure) -> (place: String, node: Node?) {
        var place = ""
        let parts = (path.isAbsolutePath ? path : Workspace.home + "/" + path).pathNames
        for (index, part) in parts.enumerated() {
            guard part.utf8.count <= 255 else { throw Failure(ENAMETOOLONG) }
            guard case .directory? = nodes[place] else { throw Failure(nodes[place] == nil ? ENOENT : ENOTDIR) }
            switch part {
            case ".": continue
            case "..": place = place.lastIndex(of: "/").map { String(place[..<$0]) } ?? ""
            default: place += "/" + part
            }
            if nodes[place] == nil, index < parts.count - 1 { throw Failure(ENOENT) }
        }
        if path.hasSuffix("/"), case .file? = nodes[place] { throw Failure(ENOTDIR) }
        return (place, nodes[place])
    }

    private func parent(of place: String) -> String { place.lastIndex(of: "/").map { String(place[..<$0]) } ?? "" }

    private func requireOwn(_ directory: String) throws(Failure) {
        if case .directory(let refusal)? = nodes[directory], let refusal { throw Failure(refusal) }
    }

    /// Makes the directories on the way to the last name.
    private mutating func makeParents(of path: String) throws(Failure) {
        let parts = (path.isAbsolutePath ? path : Workspace.home + "/" + path).pathNames
        var way = ""
        for part in parts.dropLast() {
            way += "/" + part
            let (place, node) = try find(way)
            if node == nil {
                try requireOwn(parent(of: place))
                nodes[place] = .directory(refusal: nil)
            } else if case .file? = node {
                throw Failure(ENOTDIR)
            }
        }
    }

    // MARK: Asking

    func read(_ path: String) throws(Failure) -> [UInt8] {
        switch try find(path).node {
        case nil: throw Failure(ENOENT)
        case .directory?: throw Failure(EISDIR)
        case .file(let bytes, let mode)?:
            guard mode & 0o400 != 0 else { throw Failure(EACCES) }
            return bytes
        }
    }

    /// nil when there is none, or a file stands on the way.
    func status(_ path: String) throws(Failure) -> FileStatus? {
        do throws(Failure) { return try find(path).node.map(Self.status) } catch {
            if error.errno == ENOENT || error.errno == ENOTDIR { return nil }
            throw error
        }
    }

    private static func status(_ node: Node) -> FileStatus {
        switch node {
        case .file(let bytes, let mode): FileStatus(kind: .file, size: bytes.count, mode: mode)
        case .directory: FileStatus(kind: .directory, size: 0, mode: 0o755)
        }
    }

    func list(_ path: String, recursive: Bool, limit: Int) throws(Failure) -> FileListing {
        let (place, node) = try find(path)
        guard let node else { throw Failure(ENOENT) }
        guard case .directory = node else { throw Failure(ENOTDIR) }
        let prefix = place + "/"
        var entries: [FileListing.Entry] = []
        for (other, node) in nodes where other.hasPrefix(prefix) && other != "" {
            let name = String(other.dropFirst(prefix.count))
            guard !name.isEmpty, recursive || !name.contains("/") else { continue }
            entries.append(.init(path: name, status: Self.status(node)))
        }
        entries.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        return FileListing(entries: Array(entries.prefix(limit)), truncated: entries.count > limit)
    }

    // MARK: Changing

    mutating func write(
        _ path: String, _ bytes: [UInt8], mode: UInt16, append: Bool, createParents: Bool
    ) throws(Failure) {
        if createParents { try makeParents(of: path) }
        let (place, node) = try find(path)
        switch node {
        case .directory?: throw Failure(EISDIR)
        case .file(let old, let oldMode)?:
            guard oldMode & 0o200 != 0 else { throw Failure(EACCES) }
            nodes[place] = .file(bytes: append ? old + bytes : bytes, mode: append ? oldMode : mode)
        case nil:
            guard !path.hasSuffix("/") else { throw Failure(EISDIR) }
            try requireOwn(parent(of: place))
            nodes[place] = .file(bytes: bytes, mode: mode)
        }
    }

    mutating func remove(_ path: String, recursive: Bool) throws(Failure) {
        let (place, node) = try find(path)
        guard let node else { throw Failure(ENOENT) }
        guard !place.isEmpty else { throw Failure(EBUSY) }
        try requireOwn(parent(of: place))
        if case .directory = node {
            let below = nodes.keys.filter { $0.hasPrefix(place + "/") }
            guard recursive || below.isEmpty else { throw Failure(ENOTEMPTY) }
            for other in below { nodes[other] = nil }
        }
        nodes[place] = nil
    }

    mutating func makeDirectory(_ path: String) throws(Failure) {
        try makeParents(of: path)
        let (place, node) = try find(path)
        switch node {
        case .directory?: return
        case .file?: throw Failure(EEXIST)
        case nil:
            try requireOwn(parent(of: place))
            nodes[place] = .directory(refusal: nil)
        }
    }

    /// Every file, with its bytes: what a test compares.
    var all: [(path: String, bytes: [UInt8])] {
        nodes.compactMap { path, node in
            if case .file(let bytes, _) = node { (path, bytes) } else { nil }
        }.sorted { $0.path < $1.path }
    }
}
