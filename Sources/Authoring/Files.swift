import Basics
import Glibc

/// What the tools for authors cannot do, in words for them.
public struct AuthoringError: Error, Sendable, CustomStringConvertible {
    public var message: String
    public init(_ message: String) { self.message = message }
    public var description: String { message }
}

extension AuthoringError {
    init(_ error: SystemError) { self.init("\(error)") }
}

/// The names in a folder, sorted, hidden ones left out; none when there is no such folder.
func listFolder(_ path: String) throws(AuthoringError) -> [String] {
    do throws(SystemError) { return try Files.names(in: path) } catch  where [ENOENT, ENOTDIR].contains(error.code) {
        return []
    } catch {
        throw AuthoringError(error)
    }
}

func readFile(_ path: String) throws(AuthoringError) -> [UInt8] {
    do throws(SystemError) { return try Files.read(path) } catch { throw AuthoringError(error) }
}

/// Writes a file, with the folders above it.
func writeFile(_ path: String, _ bytes: [UInt8]) throws(AuthoringError) {
    do throws(SystemError) {
        if let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.startIndex {
            try Files.makeDirectory(String(path[..<slash]))
        }
        try Files.write(path, bytes)
    } catch { throw AuthoringError(error) }
}

func lastName(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

/// Files that the tools make for authors.
public enum AuthoredFile {
    /// With the folders above it.
    public static func write(_ path: String, _ text: String) throws(AuthoringError) {
        try writeFile(path, Array(text.utf8))
    }
}
