import Glibc
import Hashing
import WorkspaceShim

/// Compares what a workspace has written with what it had written at the last look. Reads the upper layer of the overlay, in which
/// is nothing but that; a whiteout there is a deletion.
struct ChangeTracker: Sendable {
    private let tracking: ChangeTracking
    /// Larger files are told apart by their inode's times only.
    private let hashLimit: Int
    /// Bytes hashed at one look. A file full of holes costs its writer nothing, so sizes alone must not decide.
    private let hashBudget: Int
    /// As the kernel has it: two names that Unicode holds to be equal are two files.
    typealias Path = [UInt8]

    /// Paths that are there for a bind's sake.
    private let ignored: Set<Path>
    private var seen: [Path: Entry] = [:]
    /// Paths that the layers below hold, as far as they were met.
    private let isBelow: @Sendable (String) -> Bool

    struct Entry: Equatable {
        var inode: UInt64
        var mode: UInt32
        var size: Int
        var modified: Int64
        var changed: Int64
        var isWhiteout: Bool
        var isCopiedUp: Bool
        var hash: ContentHash?

        var kind: FileStatus.Kind {
            switch mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .link
            default: .other
            }
        }
    }

    init(
        _ tracking: ChangeTracking, hashLimit: Int = 4 << 20, hashBudget: Int = 256 << 20,
        ignored: Set<String> = [], isBelow: @escaping @Sendable (String) -> Bool
    ) {
        self.tracking = tracking
        self.hashLimit = hashLimit
        self.hashBudget = hashBudget
        self.ignored = Set(ignored.map { Array($0.utf8) })
        self.isBelow = isBelow
    }

    /// Looks at the upper layer and says what is different, sorted by path. `places` names its directories and where they appear.
    /// Incomplete: something could not be read (a directory whose owner took his own right to, names nested too deep).
    mutating func look(at upper: Int32, places: [UpperPlace]) -> (changes: [FileChange], isComplete: Bool) {
        var isComplete = true
        var now: [Path: Entry] = [:]
        var budget = hashBudget
        for place in places {
            let top = openat(upper, place.directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard top >= 0 else { continue }
            defer { close(top) }
            if !walk(top, into: &now, below: Array(place.path.utf8), &budget) { isComplete = false }
        }
        let changes = difference(to: now)
        seen = now
        return (changes, isComplete)
    }

    /// What cannot be read is left out; false when there is such.
    private func walk(
        _ top: Int32, into entries: inout [Path: Entry], below path: Path, _ budget: inout Int
    ) -> Bool {
        var found: [(Path, Entry)] = []
        let status = withUnsafeMutablePointer(to: &found) { pointer in
            ise_walk(
                top, ".",
                { context, entry in
                    guard let context, let entry = entry?.pointee else { return }
                    let name = UnsafeRawBufferPointer(start: entry.path, count: entry.path_length)
                    context.assumingMemoryBound(to: [(Path, Entry)].self).pointee.append((Array(name), Entry(entry)))
                }, pointer)
        }
        for (name, var entry) in found where !ignored.contains(path + name) {
            if tracking == .content || seen[path + name] != entry.withoutHash(seen[path + name]) {
                entry.hash = hash(of: entry, at: name, in: top, &budget)
            } else {
                entry.hash = seen[path + name]?.hash
            }
            entries[path + name] = entry
        }
        return status == 0
    }

    private func hash(of entry: Entry, at path: Path, in top: Int32, _ budget: inout Int) -> ContentHash? {
        guard entry.kind == .file, entry.size <= min(hashLimit, budget) else { return nil }
        budget -= entry.size
        let descriptor = ([UInt8(ascii: ".")] + path + [0]).withUnsafeBytes {
            ise_open_regular(top, $0.bindMemory(to: CChar.self).baseAddress)
        }
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var hasher = ContentHasher()
        var buffer = [UInt8](repeating: 0, count: min(max(entry.size, 1), 1 << 16))
        var total = 0
        while total <= hashLimit {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            buffer.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            total += count
        }
        return hasher.finish()
    }

    private func difference(to now: [Path: Entry]) -> [FileChange] {
        var changes: [FileChange] = []
        for (bytes, entry) in now {
            let before = seen[bytes]
            let path = String(decoding: bytes, as: UTF8.self)
            if entry.isWhiteout {
                if before?.isWhiteout != true { changes.append(deleted(path, before)) }
            } else if let before, !before.isWhiteout {
                if entry.differs(from: before) { changes.append(change(path, .changed, entry)) }
            } else if entry.isCopiedUp || (before == nil && isBelow(path)) {
                // A directory comes up with the first change below it, which says enough.
                if entry.kind != .directory { changes.append(change(path, .changed, entry)) }
            } else {
                changes.append(change(path, .created, entry))
            }
        }
        for (bytes, before) in seen where now[bytes] == nil && !before.isWhiteout {
            changes.append(deleted(String(decoding: bytes, as: UTF8.self), before))
        }
        return changes.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    private func change(_ path: String, _ what: FileChange.What, _ entry: Entry) -> FileChange {
        FileChange(
            path: path, what: what, kind: entry.kind, size: entry.kind == .file ? entry.size : 0, hash: entry.hash)
    }

    private func deleted(_ path: String, _ before: Entry?) -> FileChange {
        FileChange(path: path, what: .deleted, kind: before?.kind ?? .file, size: before?.size ?? 0, hash: before?.hash)
    }
}

/// A directory of the upper layer, and where it appears inside.
struct UpperPlace: Sendable {
    var directory: String
    var path: String
}

extension [UpperPlace] {
    /// Where `path` is in the upper layer: the directory, and the rest of it, which begins with a slash.
    func find(_ path: String) -> (directory: String, rest: String)? {
        for place in reversed() where path.utf8.starts(with: (place.path + "/").utf8) {
            return (place.directory, String(decoding: path.utf8.dropFirst(place.path.utf8.count), as: UTF8.self))
        }
        return nil
    }
}

extension ChangeTracker.Entry {
    fileprivate init(_ entry: ise_walk_entry) {
        self.init(
            inode: entry.inode, mode: entry.mode, size: Int(truncatingIfNeeded: entry.size),
            modified: entry.modified_ns,
            changed: entry.changed_ns, isWhiteout: entry.whiteout, isCopiedUp: entry.copied_up)
    }

    /// As `other` would be if only the contents differed.
    fileprivate func withoutHash(_ other: Self?) -> Self {
        var entry = self
        entry.hash = other?.hash
        return entry
    }

    /// A directory's own times change with every entry in it; that is told by the entries.
    fileprivate func differs(from before: Self) -> Bool {
        if mode != before.mode { return true }
        if kind == .directory { return false }
        if size != before.size || hash != before.hash { return true }
        if kind == .link { return inode != before.inode }
        return hash == nil && (modified != before.modified || inode != before.inode)
    }
}
