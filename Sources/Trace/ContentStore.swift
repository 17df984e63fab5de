import Glibc

/// Blobs by content: `<directory>/ab/abcd…`, named by SHA-256. The same bytes are kept once.
///
/// Any number of writers, of any number of processes, may use one directory: a blob is written under a name of its
/// own and renamed when it is whole.
public struct ContentStore: Sendable, Hashable {
    public let directory: String

    /// Touches nothing: directories come into being with the first blob.
    public init(directory: String) { self.directory = directory }

    public func path(of hash: ContentHash) -> String {
        let hex = hash.hex
        return "\(directory)/\(hex.prefix(2))/\(hex)"
    }

    /// Keeps the bytes. They are on the medium only after `sync`.
    @discardableResult
    public func put(_ bytes: [UInt8]) throws(TraceError) -> ContentHash {
        let hash = ContentHash(of: bytes)
        // A wrong size is what a crash of the machine leaves; anything else under a content's name is that content.
        if size(of: hash) == bytes.count { return hash }
        let final = path(of: hash)
        try File.createDirectory(File.directory(of: final))
        let temporary = "\(final).\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp"
        do throws(TraceError) {
            let file = try File(opening: temporary, flags: O_WRONLY | O_CREAT | O_EXCL, to: "create the blob")
            var rest = bytes
            try file.drain(&rest, to: "write the blob")
            guard rename(temporary, final) == 0 else {
                throw TraceError(errno: errno, cannot: "rename the blob to", path: final)
            }
        } catch {
            unlink(temporary)
            throw error
        }
        return hash
    }

    /// The whole blob.
    public func bytes(of hash: ContentHash) throws(TraceError) -> [UInt8] {
        var bytes: [UInt8] = []
        try read(hash) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// Nil when there is no such blob.
    public func size(of hash: ContentHash) -> Int? {
        File.status(path(of: hash)).map { Int($0.st_size) }
    }

    /// Reads the blob, in constant memory, and says whether it still is what its name says.
    public func isIntact(_ hash: ContentHash) throws(TraceError) -> Bool {
        var hasher = ContentHasher()
        try read(hash) { hasher.update($0) }
        return hasher.finish() == hash
    }

    /// Waits until the blobs and their names are on the medium.
    func sync(_ hashes: some Sequence<ContentHash>) throws(TraceError) {
        var directories: Set<String> = []
        for hash in hashes {
            let path = path(of: hash)
            try File(opening: path, flags: O_RDONLY, to: "open the blob").sync()
            directories.insert(File.directory(of: path))
        }
        guard !directories.isEmpty else { return }
        for directory in directories { try File.syncDirectory(directory) }
        try File.syncDirectory(directory)
    }

    /// Deletes what writers that were killed have left half-written.
    /// - Parameter age: younger ones may belong to a writer that is alive. Seconds.
    public func removeLeftovers(olderThan age: Int = 3600) {
        let oldest = Timestamp.now().millisecondsSinceEpoch / 1000 - Int64(age)
        for byte in 0...255 {
            let folder = "\(directory)/\(byte < 16 ? "0" : "")\(String(byte, radix: 16))"
            for name in Directory.names(in: folder) where name.hasSuffix(".tmp") {
                let path = "\(folder)/\(name)"
                if let status = File.status(path), Int64(status.st_mtim.tv_sec) <= oldest { unlink(path) }
            }
        }
    }

    private func read(_ hash: ContentHash, _ body: (UnsafeRawBufferPointer) -> Void) throws(TraceError) {
        let file = try File(opening: path(of: hash), flags: O_RDONLY, to: "read the blob")
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try file.read(into: buffer)
            if count == 0 { return }
            body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}

enum Directory {
    /// The names of a directory's entries, unordered; none when it cannot be read.
    static func names(in path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}
