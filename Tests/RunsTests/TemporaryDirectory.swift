import FoundationEssentials

/// A directory that is gone when the test is over.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = "\(FileManager.default.temporaryDirectory.path)/ise-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path + "/" + name)), as: UTF8.self)
    }

    func write(_ name: String, _ content: String) throws {
        try Data(content.utf8).write(to: URL(filePath: path + "/" + name))
    }

    func content(_ folder: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path + "/" + folder).sorted()
    }
}
