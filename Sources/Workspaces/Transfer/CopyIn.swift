import Basics
import Glibc
import WorkspaceShim

/// What was copied from a directory of the host into a workspace.
public struct CopiedFiles: Sendable, Equatable {
    public var files = 0
    public var bytes = 0
    /// Paths below the directory that were not copied, and why.
    public var leftOut: [KeptFiles.LeftOut] = []
}

extension Workspace {
    /// Copies what is in a directory of the host to `path`: directories, regular files with their permission bits, and links that
    /// stay within the directory. Other links, devices and the like are left out and listed.
    ///
    /// - Throws: what keeps a file from being read or written.
    public func copyIn(_ directory: String, to path: String = Workspace.home) async throws(WorkspaceError)
        -> CopiedFiles
    {
        let source = try HostTree(directory)
        var copied = CopiedFiles()
        for entry in await blocking({ source.entries() }) {
            let target = path + entry.path
            switch entry.kind {
            case .directory: try await makeDirectory(target)
            case .file:
                copied.bytes += try await copy(entry, of: source, to: target)
                copied.files += 1
            case .link(let destination):
                try await exec(ExecRequest(argv: ["ln", "-s", "--", destination, target])).check("link \(target)")
            case .leftOut(let reason):
                copied.leftOut.append(.init(path: String(entry.path.dropFirst()), reason: reason))
            }
        }
        return copied
    }

    private func copy(_ entry: HostTree.Entry, of source: HostTree, to target: String) async throws(WorkspaceError)
        -> Int
    {
        let descriptor = ise_open_beneath(source.descriptor, "." + entry.path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0)
        guard descriptor >= 0 else { throw .failed(stage: "read", errno: errno, path: source.path + entry.path) }
        defer { Glibc.close(descriptor) }
        var offset = 0
        while true {
            let chunk = await blocking { [offset] in HostTree.read(descriptor, offset) }
            guard let chunk else { throw .failed(stage: "read", errno: EIO, path: source.path + entry.path) }
            if chunk.isEmpty, offset > 0 { break }
            try await write(target, chunk, mode: entry.mode, append: offset > 0)
            offset += chunk.count
            if chunk.isEmpty { break }
        }
        return offset
    }
}

extension ExecResult {
    fileprivate func check(_ stage: String) throws(WorkspaceError) {
        if !succeeded { throw WorkspaceError(.io, "could not \(stage): \(stderr.text)") }
    }
}

/// A directory of the host, read without following a link below it.
private final class HostTree: Sendable {
    enum Kind {
        case directory, file
        case link(to: String)
        case leftOut(String)
    }
    struct Entry {
        /// From the top, beginning with a slash.
        var path: String
        var mode: UInt16
        var kind: Kind
    }

    let path: String
    let descriptor: Int32

    init(_ path: String) throws(WorkspaceError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .failed(stage: "open the directory", errno: errno, path: path) }
    }

    deinit { close(descriptor) }

    /// Parents before their children.
    func entries() -> [Entry] {
        var found: [(bytes: [UInt8], mode: UInt32)] = []
        let isIncomplete = withUnsafeMutablePointer(to: &found) { pointer in
            ise_walk(
                descriptor, ".",
                { context, entry in
                    guard let context, let entry = entry?.pointee else { return }
                    let name = UnsafeRawBufferPointer(start: entry.path, count: entry.path_length)
                    context.assumingMemoryBound(to: [(bytes: [UInt8], mode: UInt32)].self).pointee
                        .append((Array(name), entry.mode))
                }, pointer)
        }
        var entries = found.map(entry)
        if isIncomplete != 0 {
            entries.append(Entry(path: "/", mode: 0, kind: .leftOut("something below could not be read")))
        }
        return entries
    }

    private func entry(_ bytes: [UInt8], _ mode: UInt32) -> Entry {
        let path = String(decoding: bytes, as: UTF8.self)
        let bits = UInt16(truncatingIfNeeded: mode & 0o777)
        guard path.utf8.elementsEqual(bytes) else {
            return Entry(path: path, mode: bits, kind: .leftOut("its name is not UTF-8"))
        }
        switch mode & S_IFMT {
        case S_IFDIR: return Entry(path: path, mode: bits, kind: .directory)
        case S_IFREG: return Entry(path: path, mode: bits, kind: .file)
        case S_IFLNK: return Entry(path: path, mode: bits, kind: linkKind(path))
        default: return Entry(path: path, mode: bits, kind: .leftOut("neither a file nor a directory"))
        }
    }

    private func linkKind(_ path: String) -> Kind {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let length = buffer.withUnsafeMutableBytes { space in
            space.baseAddress.map {
                readlinkat(descriptor, "." + path, $0.assumingMemoryBound(to: CChar.self), space.count)
            } ?? -1
        }
        guard length > 0, length < buffer.count else { return .leftOut("a link that cannot be read") }
        let target = String(decoding: buffer[..<length], as: UTF8.self)
        guard staysInside(target, from: path) else { return .leftOut("a link out of the directory") }
        return .link(to: target)
    }

    /// By the names alone, which is what the copy goes by, too.
    private func staysInside(_ target: String, from path: String) -> Bool {
        guard !target.isAbsolutePath else { return false }
        var depth = path.pathNames.count - 1
        for part in target.pathNames where part != "." {
            depth += part == ".." ? -1 : 1
            if depth < 0 { return false }
        }
        return true
    }

    /// Nil: it cannot be read.
    static func read(_ descriptor: Int32, _ offset: Int) -> [UInt8]? {
        var got = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
            got = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            count = max(0, got)
        }
        return got < 0 ? nil : chunk
    }
}
