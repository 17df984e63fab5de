import Glibc
import Hashing
import Synchronization
import WorkspaceShim

/// The directory of unpacked systems. One that is being unpacked has a name of its own and is locked; it gets its final name when it
/// is whole. Unlocked ones are what somebody who was killed has left, and are removed.
struct RootCache: Sendable {
    let path: String
    private static let made = Atomic(0)

    /// A system that is being unpacked.
    struct Part: Sendable {
        var name: String
        var descriptor: Int32
    }

    init(_ path: String) throws(WorkspaceError) {
        self.path = path
        guard Self.make(path) else { throw .failed(stage: "make the cache of roots", errno: errno, path: path) }
    }

    static func usualPlace() throws(WorkspaceError) -> String {
        func variable(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        if let cache = variable("XDG_CACHE_HOME") { return cache + "/ise/roots" }
        if let home = variable("HOME") { return home + "/.cache/ise/roots" }
        throw WorkspaceError(.unavailable, "there is no place for unpacked roots: set XDG_CACHE_HOME or HOME")
    }

    private static func make(_ path: String) -> Bool {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return true }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return false }
        return make(String(path[..<slash])) && (mkdir(path, 0o700) == 0 || errno == EEXIST)
    }

    func directory(of hash: ContentHash) -> String? {
        let directory = path + "/" + hash.hex
        return access(directory, F_OK) == 0 ? directory : nil
    }

    func makePart(of hash: ContentHash) throws(WorkspaceError) -> Part {
        removeAbandoned()
        let number = Self.made.add(1, ordering: .relaxed).newValue
        let name = "\(hash.hex).part-\(getpid())-\(number)"
        let directory = path + "/" + name
        guard mkdir(directory, 0o755) == 0, chmod(directory, 0o755) == 0 else {
            throw .failed(stage: "make a directory for the root", errno: errno, path: directory)
        }
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            if descriptor >= 0 { close(descriptor) }
            throw .failed(stage: "lock the directory for the root", errno: errno, path: directory)
        }
        return Part(name: name, descriptor: descriptor)
    }

    /// Gives it its name, when all of it is on the disk. Somebody else may have been faster: then theirs serves as well.
    func finish(_ part: Part, _ hash: ContentHash) throws(WorkspaceError) -> String {
        let final = path + "/" + hash.hex
        guard ise_sync_file_system(part.descriptor) == 0 else {
            throw .failed(stage: "write the unpacked root", errno: errno, path: final)
        }
        guard rename(path + "/" + part.name, final) == 0 else {
            let error = errno
            guard error == ENOTEMPTY || error == EEXIST else {
                throw .failed(stage: "name the unpacked root", errno: error, path: final)
            }
            discard(part)
            return final
        }
        close(part.descriptor)
        return final
    }

    func discard(_ part: Part) {
        removeTree(part.name, in: AT_FDCWD, below: path + "/")
        close(part.descriptor)
    }

    private func removeAbandoned() {
        guard let stream = opendir(path) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = entryName(entry)
            guard name.contains(".part-") else { continue }
            let descriptor = open(path + "/" + name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { removeTree(name, in: AT_FDCWD, below: path + "/") }
            close(descriptor)
        }
    }
}

func entryName(_ entry: UnsafeMutablePointer<dirent>) -> String {
    withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
    }
}

/// Removes a directory and all below it, following no link.
private func removeTree(_ name: String, in parent: Int32, below prefix: String = "") {
    let path = prefix + name
    let directory = openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard directory >= 0 else { return _ = unlinkat(parent, path, 0) }
    fchmod(directory, 0o700)
    if let stream = fdopendir(directory) {
        var names: [String] = []
        while let entry = readdir(stream) { names.append(entryName(entry)) }
        for name in names where name != "." && name != ".." {
            if unlinkat(directory, name, 0) != 0 { removeTree(name, in: directory) }
        }
        closedir(stream)
    }
    unlinkat(parent, path, AT_REMOVEDIR)
}
