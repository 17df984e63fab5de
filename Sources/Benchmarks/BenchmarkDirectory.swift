import FoundationEssentials
import Glibc

/// A temporary directory.
struct BenchmarkDirectory {
    let path: String

    init() throws {
        // The X's are mkdtemp(3)'s, which puts a free name there.
        var template = Array("/tmp/ise-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw BenchmarkError("mkdtemp: errno \(errno)") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    func write(_ name: String, _ text: String) throws {
        var folder = path
        for part in name.split(separator: "/").dropLast() {
            folder += "/" + part
            mkdir(folder, 0o700)
        }
        let descriptor = open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw BenchmarkError("\(name): errno \(errno)") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw BenchmarkError("\(name): errno \(errno)")
        }
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
