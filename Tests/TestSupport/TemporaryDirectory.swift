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

public func readFile(_ path: String) throws -> [UInt8] {
    guard let stream = fopen(path, "r") else { throw SystemFailure(doing: "open \(path)", errno: errno) }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
        let count = fread(&buffer, 1, buffer.count, stream)
        if count == 0 { return bytes }
        bytes.append(contentsOf: buffer[..<count])
    }
}

public func writeFile(_ path: String, _ bytes: [UInt8]) throws {
    guard let stream = fopen(path, "w") else { throw SystemFailure(doing: "create \(path)", errno: errno) }
    defer { fclose(stream) }
    guard fwrite(bytes, 1, bytes.count, stream) == bytes.count else {
        throw SystemFailure(doing: "write \(path)", errno: errno)
    }
}
