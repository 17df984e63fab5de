import Basics
import Glibc
import Hashing
import Synchronization

/// How a tar is packed, by its first bytes.
enum Packing: String {
    case none, gzip, bzip2, xz, zstd

    init(firstBytes bytes: [UInt8]) {
        let marks: [(Packing, [UInt8])] = [
            (.gzip, [0x1F, 0x8B]), (.bzip2, Array("BZh".utf8)), (.xz, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]),
            (.zstd, [0x28, 0xB5, 0x2F, 0xFD]),
        ]
        self = marks.first { bytes.starts(with: $0.1) }?.0 ?? .none
    }

    var program: [String] { self == .none ? ["cat"] : [rawValue, "-dc"] }
}

/// A tar of the host, opened once and read twice: once for its hash, once for what it holds.
final class ArchiveFile: Sendable {
    let path: String
    private let descriptor: Int32
    private let lastHash = Mutex<ContentHash?>(nil)

    init(_ path: String) throws(WorkspaceError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .failed(stage: "open the root", errno: errno, path: path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw WorkspaceError(
                .unavailable, "\(path) cannot be a root: it is neither a directory nor a file", path: path)
        }
    }

    deinit { close(descriptor) }

    var packing: Packing {
        var bytes = [UInt8](repeating: 0, count: 6)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return Packing(firstBytes: Array(bytes.prefix(max(0, count))))
    }

    /// Of what the last whole pass gave.
    var hashOfLastPass: ContentHash? { lastHash.withLock { $0 } }

    func hash() async throws(WorkspaceError) -> ContentHash {
        await pass { _ in true }
        guard let hash = hashOfLastPass else { throw .failed(stage: "read the root", errno: EIO, path: path) }
        return hash
    }

    /// Gives all of it, piece by piece, for as long as `take` says yes. False: not all of it was taken or could be read.
    @discardableResult
    func pass(_ take: ([UInt8]) async -> Bool) async -> Bool {
        lastHash.withLock { $0 = nil }
        var hasher = ContentHasher()
        var offset = 0
        while true {
            let (chunk, failed) = await blocking { [descriptor, offset] in Self.read(descriptor, offset) }
            if failed { return false }
            if chunk.isEmpty { break }
            offset += chunk.count
            hasher.update(chunk)
            guard await take(chunk) else { return false }
        }
        let hash = hasher.finish()
        lastHash.withLock { $0 = hash }
        return true
    }

    private static func read(_ descriptor: Int32, _ offset: Int) -> ([UInt8], failed: Bool) {
        var got = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, count in
            got = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            count = max(0, got)
        }
        return (chunk, got < 0)
    }
}
