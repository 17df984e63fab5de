import Basics
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
        do throws(SystemError) {
            return try Files.names(in: folder).map { Entry(name: $0, kind: kind(of: folder + "/" + $0)) }
        } catch { throw Failure(error) }
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

    static func isMissing(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) != 0 && (errno == ENOENT || errno == ENOTDIR)
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
        do throws(SystemError) {
            return try Files.read(path, atMost: maximumSize, followsLinks: false)
        } catch { throw Failure(error) }
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
}

extension PluginFiles.Failure {
    init(_ error: SystemError) {
        switch error.code {
        case ELOOP: reason = "could not open \(error.path): links are not followed"
        case EFBIG: reason = "\(error.path) is larger than \(PluginFiles.maximumSize) bytes"
        default: reason = "\(error)"
        }
    }
}
