import Glibc
import WorkspaceShim

/// Makes the members of a tar below a directory that nobody else writes to. No member can lead out of it: names are taken apart here,
/// and no link is followed on the way to the place where something is made.
final class RootWriter {
    private let root: Int32
    private let isRoot = geteuid() == 0
    private var file: Int32 = -1
    /// Set at the end: one without the right to write could not be filled.
    private var directoryModes: [(path: String, mode: mode_t)] = []
    private(set) var bytes = 0
    private var members = 0
    private let limits: RootArchive.Limits

    init(_ root: Int32, _ limits: RootArchive.Limits) {
        self.root = root
        self.limits = limits
    }

    deinit { if file >= 0 { close(file) } }

    func take(_ event: TarReader.Event) throws {
        switch event {
        case .member(let member):
            closeFile()
            members += 1
            guard members <= limits.members, member.size <= limits.bytes - bytes else {
                throw TarError("it holds more than \(limits.bytes) bytes or \(limits.members) members")
            }
            bytes += member.size
            try make(member)
        case .contents(let piece): try write(piece)
        }
    }

    func finish() throws {
        closeFile()
        for (path, mode) in directoryModes.reversed() {
            let directory = ise_open_beneath(root, path, O_RDONLY | O_DIRECTORY, 0)
            guard directory >= 0 else { continue }  // replaced by a later member
            fchmod(directory, mode)
            close(directory)
        }
    }

    // MARK: Members

    private func make(_ member: TarMember) throws {
        let parts = try Self.parts(member.path)
        guard let name = parts.last else { return }  // the root itself, whose mode is ours to choose
        if member.kind == .device { return }
        let parent = try openDirectory(parts.dropLast())
        defer { close(parent) }
        let path = parts.joined(separator: "/")
        switch member.kind {
        case .directory: try makeDirectory(name, in: parent, path, member)
        case .file: try makeFile(name, in: parent, path, member)
        case .link(let target):
            try clear(name, in: parent, path)
            try check(symlinkat(String(decoding: target, as: UTF8.self), parent, name), "link", path)
            if isRoot {
                try check(fchownat(parent, name, owner(member), group(member), AT_SYMLINK_NOFOLLOW), "own", path)
            }
        case .hardLink(let target): try makeHardLink(name, in: parent, path, to: target)
        case .device: break
        }
    }

    private func makeDirectory(_ name: String, in parent: Int32, _ path: String, _ member: TarMember) throws {
        if mkdirat(parent, name, 0o700) != 0 {
            guard errno == EEXIST else { throw Self.failure("make the directory", path) }
        }
        let directory = ise_open_beneath(parent, name, O_RDONLY | O_DIRECTORY, 0)
        guard directory >= 0 else { throw Self.failure("make the directory", path) }
        defer { close(directory) }
        if isRoot { try check(fchown(directory, owner(member), group(member)), "own", path) }
        directoryModes.append((path, mode_t(member.mode & 0o1777 | 0o700)))
    }

    private func makeFile(_ name: String, in parent: Int32, _ path: String, _ member: TarMember) throws {
        try clear(name, in: parent, path)
        file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.failure("make", path) }
        if isRoot { try check(fchown(file, owner(member), group(member)), "own", path) }
        // Neither setuid nor setgid; its reader must be able to read it.
        try check(fchmod(file, mode_t(member.mode & 0o777 | 0o400)), "set the mode of", path)
    }

    private func makeHardLink(_ name: String, in parent: Int32, _ path: String, to target: [UInt8]) throws {
        let parts = try Self.parts(target)
        guard let targetName = parts.last else { throw TarError("\(path) is a hard link to the root") }
        let directory = try openDirectory(parts.dropLast())
        defer { close(directory) }
        guard parts.joined(separator: "/") != path else { return }
        try clear(name, in: parent, path)
        try check(linkat(directory, targetName, parent, name, 0), "link", path)
    }

    private func write(_ piece: ArraySlice<UInt8>) throws {
        var rest = piece
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            guard count > 0 else { throw WorkspaceError.failed(stage: "write the unpacked root", errno: errno) }
            rest = rest.dropFirst(count)
        }
    }

    private func closeFile() {
        if file >= 0 { close(file) }
        file = -1
    }

    // MARK: Names

    private static func parts(_ path: [UInt8]) throws -> [String] {
        let text = String(decoding: path, as: UTF8.self)
        guard path.first != UInt8(ascii: "/") else { throw TarError("it has a member with an absolute name, \(text)") }
        guard !path.contains(0), text.utf8.elementsEqual(path) else {
            throw TarError("it has a name that is not UTF-8")
        }
        let parts = text.pathNames.map(String.init).filter { $0 != "." }
        guard !parts.contains("..") else { throw TarError("it has a name with \"..\", \(text)") }
        return parts
    }

    /// The directory, with what is missing of it made; no part of it may be a link.
    private func openDirectory(_ parts: ArraySlice<String>) throws -> Int32 {
        let path = parts.isEmpty ? "." : parts.joined(separator: "/")
        let directory = ise_open_beneath(root, path, O_RDONLY | O_DIRECTORY, 0)
        if directory >= 0 { return directory }
        switch errno {
        case ENOENT:
            let parent = try openDirectory(parts.dropLast())
            defer { close(parent) }
            try check(mkdirat(parent, parts.last ?? ".", 0o755), "make the directory", path)
            return try openDirectory(parts)
        case ELOOP, ENOTDIR: throw TarError("it has a member below \(path), which is no directory, or a link to one")
        default: throw Self.failure("open the directory", path)
        }
    }

    /// A later member takes the place of an earlier one.
    private func clear(_ name: String, in parent: Int32, _ path: String) throws {
        guard unlinkat(parent, name, 0) == 0 || errno == ENOENT else { throw Self.failure("replace", path) }
    }

    private func owner(_ member: TarMember) -> uid_t { member.owner < Template.idCount ? member.owner : 0 }
    private func group(_ member: TarMember) -> gid_t { member.group < Template.idCount ? member.group : 0 }

    private func check(_ result: Int32, _ stage: String, _ path: String) throws {
        if result != 0 { throw Self.failure(stage, path) }
    }

    private static func failure(_ stage: String, _ path: String) -> WorkspaceError {
        .failed(stage: "unpack the root: \(stage)", errno: errno, path: path)
    }
}
