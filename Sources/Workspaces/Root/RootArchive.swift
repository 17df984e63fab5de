import Basics
import Glibc
import Hashing
import Synchronization
import WorkspaceShim

/// Systems that come as a tar: each is unpacked once, into a directory of the user's cache that is named by the tar's SHA-256.
///
/// What is unpacked has no devices and no setuid bits. Owners are kept when this is root; otherwise all is the user's.
public enum RootArchive {
    /// Of what comes out.
    public struct Limits: Sendable {
        public var bytes = 64 << 30
        public var members = 2_000_000
        public init() {}
    }

    /// The directory with what the tar holds.
    ///
    /// - Parameter cache: where unpacked systems are kept; default: `$XDG_CACHE_HOME/ise/roots`, or `~/.cache/ise/roots`.
    /// - Throws: `unavailable` when it is no tar, or one that must not be unpacked; the message says why.
    public static func unpacked(
        _ path: String, cache: String? = nil, limits: Limits = Limits()
    ) async throws(WorkspaceError) -> String {
        let place = if let cache { cache } else { try RootCache.usualPlace() }
        let cache = try RootCache(place)
        let archive = try ArchiveFile(path)
        let hash = try await archive.hash()
        if let known = cache.directory(of: hash) { return known }
        let part = try cache.makePart(of: hash)
        let packing = archive.packing
        let unpacking = Unpacking(part.descriptor, limits)
        do throws(WorkspaceError) {
            try await unpack(archive, packing, into: unpacking)
            guard archive.hashOfLastPass == hash else {
                throw WorkspaceError(.unavailable, "\(path) was changed while it was read", path: path)
            }
            guard ise_exists_in_root(part.descriptor, "bin/sh") != 0 else {
                throw WorkspaceError(.unavailable, "\(path) cannot be a root: there is no /bin/sh in it", path: path)
            }
            return try await blocking { () -> Result<String, WorkspaceError> in
                do throws(WorkspaceError) { return .success(try cache.finish(part, hash)) } catch {
                    return .failure(error)
                }
            }.get()
        } catch {
            await blocking { cache.discard(part) }
            throw error
        }
    }

    /// The unpacking program runs in a workspace, as its input may be made to break it. What it writes is read here.
    private static func unpack(
        _ archive: ArchiveFile, _ packing: Packing, into unpacking: Unpacking
    ) async throws(WorkspaceError) {
        let host = try await WorkspaceHost.start()
        var failure: WorkspaceError?
        do throws(WorkspaceError) {
            let workspace = try await host.open()
            try await unpack(archive, packing, into: unpacking, in: workspace)
        } catch { failure = error }
        await host.shutdown()
        if let failure { throw failure }
    }

    private static func unpack(
        _ archive: ArchiveFile, _ packing: Packing, into unpacking: Unpacking, in workspace: Workspace
    ) async throws(WorkspaceError) {
        var request = ExecRequest(argv: packing.program, timeout: .zero, outputLimit: 64 << 10)
        request.keepsInput = true
        request.streamsOutput = true
        let job: Job
        do throws(WorkspaceError) { job = try await workspace.start(request) } catch {
            guard error.code == .commandNotFound else { throw error }
            throw WorkspaceError(
                .unavailable, "\(archive.path) is packed by \(packing.rawValue), which is not installed here",
                path: archive.path)
        }
        let feeding = Task {
            if await archive.pass({ await job.send($0) }) { job.finishInput() } else { job.kill() }
        }
        async let complaint = errors(of: job)
        for await chunk in job.chunks(of: .stdout) {
            if await blocking({ unpacking.feed(chunk) }) { continue }
            job.kill()
            break
        }
        job.chunks(of: .stdout).stop()
        let result = try await job.wait()
        await feeding.value
        let text = await complaint
        if let failure = await blocking({ unpacking.finish(isWhole: result.succeeded) }) {
            let reason = result.succeeded || result.endedBy == .cancelled ? failure : text
            throw WorkspaceError(.unavailable, "\(archive.path) cannot be a root: \(reason)", path: archive.path)
        }
    }

    private static func errors(of job: Job) async -> String {
        var bytes: [UInt8] = []
        for await chunk in job.chunks(of: .stderr) where bytes.count < 1000 { bytes += chunk }
        let lines = bytes.split(separator: 0x0A)
        return lines.first.map { String(decoding: $0, as: UTF8.self) } ?? "it failed"
    }
}

extension HostOptions.Root {
    /// What is at that path: a directory, or the tar of one.
    public init(at path: String) throws(WorkspaceError) {
        let path = try absolute(path, of: "root")
        var status = stat()
        guard stat(path, &status) == 0 else { throw .failed(stage: "look at the root", errno: errno, path: path) }
        self = status.st_mode & S_IFMT == S_IFDIR ? .directory(path) : .archive(path)
    }
}

/// The reader and the writer, of which each piece is handled on whatever thread is free.
private final class Unpacking: Sendable {
    private let state: Mutex<State>
    private struct State {
        var reader = TarReader()
        var writer: RootWriter
        var failure: String?
    }

    init(_ root: Int32, _ limits: RootArchive.Limits) { state = Mutex(State(writer: RootWriter(root, limits))) }

    /// False when it is not worth to go on.
    func feed(_ bytes: [UInt8]) -> Bool {
        state.withLock { state in
            do {
                let writer = state.writer
                try state.reader.feed(bytes) { try writer.take($0) }
                return true
            } catch {
                state.failure = (error as? TarError)?.reason ?? "\(error)"
                return false
            }
        }
    }

    /// What is wrong with the whole; nil: nothing.
    func finish(isWhole: Bool) -> String? {
        state.withLock { state in
            if let failure = state.failure { return failure }
            guard isWhole else { return "it could not be unpacked" }
            do {
                try state.reader.finish()
                try state.writer.finish()
                return nil
            } catch { return (error as? TarError)?.reason ?? "\(error)" }
        }
    }
}
