import Glibc

/// The `.part` file of a trace being written: opened for one writer at a time, published under its final name when it
/// is whole.
struct PartialFile: ~Copyable, Sendable {
    let file: File
    let finalPath: String

    private static let action = "create the trace"

    private init(file: consuming File, finalPath: String) {
        self.file = file
        self.finalPath = finalPath
    }

    static func create(id: String, in directory: String, existing: TraceWriter.ExistingPartial) throws(TraceError)
        -> PartialFile
    {
        let path = "\(directory)/\(id)\(TraceFormat.partialExtension)"
        let finalPath = "\(directory)/\(id)\(TraceFormat.fileExtension)"
        try File.createDirectory(directory)
        let file = try openLocked(path)
        if File.status(finalPath) != nil { throw finishedTraceExists(finalPath) }
        if try file.status().st_size > 0 {
            guard existing == .replace else {
                throw TraceError(
                    .exists, cannot: action, path: path,
                    reason: "a partial trace is there; read it or move it away first")
            }
            guard ftruncate(file.descriptor, 0) == 0 else { throw TraceError(errno: errno, cannot: action, path: path) }
        }
        return PartialFile(file: file, finalPath: finalPath)
    }

    /// Makes the file durable and gives it its final name. Blocks while the disk works. May be tried again.
    func publish() throws(TraceError) {
        try file.sync()
        // A link, unlike a rename, never replaces what stands there.
        if link(file.path, finalPath) == 0 {
            unlink(file.path)
        } else if errno == EEXIST {
            guard try file.isNamed(finalPath) else { throw Self.finishedTraceExists(finalPath) }
            unlink(file.path)
        } else if rename(file.path, finalPath) != 0 {  // a file system without hard links
            throw TraceError(errno: errno, cannot: "rename the trace to", path: finalPath)
        }
        try File.syncDirectory(File.directory(of: finalPath))
    }

    /// The lock goes with the process. Between opening and locking the other writer may have published the file: then
    /// the name is gone or stands for another file, and what we hold must not be touched.
    private static func openLocked(_ path: String) throws(TraceError) -> File {
        while true {
            let file = try File(opening: path, flags: O_RDWR | O_CREAT | O_APPEND, to: action)
            guard retrying({ flock(file.descriptor, LOCK_EX | LOCK_NB) }) == 0 else {
                guard errno == EWOULDBLOCK else { throw TraceError(errno: errno, cannot: action, path: path) }
                throw TraceError(.busy, cannot: action, path: path, reason: "another writer has it open")
            }
            if try file.isNamed(path) { return file }
        }
    }

    private static func finishedTraceExists(_ path: String) -> TraceError {
        TraceError(.exists, cannot: action, path: path, reason: "a finished trace of that name exists")
    }
}
