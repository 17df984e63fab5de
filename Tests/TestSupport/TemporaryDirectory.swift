import Basics
import FoundationEssentials
import Glibc

/// A directory that lives as long as its owner.
public final class TemporaryDirectory: Sendable {
    public let path: String

    public init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/ise-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemFailure(doing: "mkdtemp \(parent)", errno: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    public func file(_ name: String) -> String { "\(path)/\(name)" }

    public func read(_ name: String) throws -> [UInt8] { try readFile(file(name)) }

    public func write(_ name: String, _ bytes: [UInt8]) throws { try writeFile(file(name), bytes) }

    /// The paths of all files below it, relative, sorted.
    public func files() -> [String] {
        let all = FileManager.default.subpaths(atPath: path) ?? []
        return all.filter {
            var isDirectory = false
            return FileManager.default.fileExists(atPath: file($0), isDirectory: &isDirectory) && !isDirectory
        }.sorted()
    }
}

public struct SystemFailure: Error, CustomStringConvertible {
    public var description: String

    public init(doing action: String, errno number: CInt) {
        description = "\(action): \(String(cString: strerror(number)))"
    }
}

public func readFile(_ path: String) throws -> [UInt8] { try Files.read(path) }

public func writeFile(_ path: String, _ bytes: [UInt8]) throws { try Files.write(path, bytes) }
