import Glibc

/// Reads the files of plugin folders. Links are not followed: what a plugin is must not depend on what lies outside of
/// it.
enum PluginFiles {
    struct Failure: Error {
        var reason: String
    }

    struct Entry: Sendable, Equatable {
        enum Kind { case file, folder, other }
        var name: String
        var kind: Kind
    }

    /// Bytes of one file.
    static let maximumSize = 4 << 20

    /// Sorted by name; hidden files left out.
    static func entries(of folder: String) throws(Failure) -> [Entry] {
        guard let stream = opendir(folder) else { throw Failure(reason: "could not list \(folder): \(reason(errno))") }
        defer { closedir(stream) }
        var entries: [Entry] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard !name.hasPrefix(".") else { continue }
            entries.append(Entry(name: name, kind: kind(of: folder + "/" + name)))
        }
        return entries.sorted { $0.name < $1.name }
    }

    static func kind(of path: String) -> Entry.Kind {
        var status = stat()
        guard lstat(path, &status) == 0 else { return .other }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .folder
        default: return .other
        }
    }

    /// What tells one state of a file from the next. Empty when it is not there.
    static func facts(of path: String) -> [Int] {
        var status = stat()
        guard lstat(path, &status) == 0 else { return [] }
        return [
            Int(bitPattern: UInt(status.st_dev)), Int(bitPattern: UInt(status.st_ino)), Int(status.st_mode),
            Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
            status.st_ctim.tv_nsec,
        ]
    }

    static func read(_ path: String) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw Failure(reason: "could not open \(path): \(reason(errno))") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= maximumSize {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw Failure(reason: "could not read \(path): \(reason(errno))") }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
        }
        throw Failure(reason: "\(path) is larger than \(maximumSize) bytes")
    }

    /// Of all Lua files below a folder, by their path in it. Specs are no part of the plugin.
    static func sources(in folder: String, prefix: String = "", depth: Int = 0) throws(Failure) -> [String: [UInt8]] {
        guard depth < 8 else { throw Failure(reason: "folders are nested too deeply in \(folder)") }
        var sources: [String: [UInt8]] = [:]
        for entry in try entries(of: folder) {
            let path = folder + "/" + entry.name
            switch entry.kind {
            case .file where entry.name.hasSuffix(".lua") && !entry.name.hasSuffix("_spec.lua"):
                sources[prefix + entry.name] = try read(path)
            case .folder where entry.name != "spec":
                let inner = try self.sources(in: path, prefix: prefix + entry.name + "/", depth: depth + 1)
                sources.merge(inner) { $1 }
            default: break
            }
        }
        return sources
    }

    private static func reason(_ number: Int32) -> String {
        if number == ELOOP { return "links are not followed" }
        var buffer = [CChar](repeating: 0, count: 128)
        guard strerror_r(number, &buffer, buffer.count) == 0 else { return "error \(number)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
