import JSON
import Workspaces

/// The files and commands that make the world of a task before its first user turn.
public struct Fixture: Sendable, Hashable {
    /// Content by path, relative to the home directory.
    public var files: [String: String] = [:]
    /// Permission bits by path.
    public var modes: [String: UInt16] = [:]
    /// Run in order in the home directory, after the files are there. Each must exit with 0.
    public var commands: [[String]] = []
    /// What files held once everything was laid out; see `remember`. A command may have made or changed them.
    var originals: [String: [UInt8]] = [:]

    public init() {}
}

extension Fixture {
    /// Reads a fixture as domains give it; `nil` and `null` are the empty fixture.
    public init(_ value: JSONValue?) throws(FixtureError) {
        guard let value, !value.isNull else { return }
        for (path, content) in value["files"]?.object ?? [:] {
            guard let text = content.string else { throw FixtureError("the content of \(path) is no string") }
            files[path] = text
        }
        for (path, mode) in value["modes"]?.object ?? [:] {
            guard let bits = mode.int, (0...0o7777).contains(bits) else {
                throw FixtureError("the mode of \(path) is \(mode.compact), not a number from 0 to 4095 (octal 7777)")
            }
            modes[path] = UInt16(bits)
        }
        for command in value["commands"]?.array ?? [] {
            guard let argv = command.array?.compactMap(\.string), !argv.isEmpty, argv.count == command.array?.count
            else {
                throw FixtureError("the command \(command.compact) is no list of strings")
            }
            commands.append(argv)
        }
    }

    /// Lays the fixture out, in the order of the paths.
    func layOut(in workspace: Workspace) async throws(FixtureError) {
        for (path, content) in files.sorted(by: { $0.key < $1.key }) {
            try await attempt("write \(path)") { () throws(WorkspaceError) in
                try await workspace.write(Home.path(path), Array(content.utf8), mode: modes[path] ?? 0o644)
            }
        }
        for (path, mode) in modes.sorted(by: { $0.key < $1.key }) where files[path] == nil {
            try await run(["chmod", String(mode, radix: 8), path], in: workspace)
        }
        for command in commands { try await run(command, in: workspace) }
    }

    /// Keeps the bytes of files that the agent must leave alone. One that is not there is left out.
    mutating func remember(_ paths: [String], in workspace: Workspace) async throws(FixtureError) {
        for path in paths {
            originals[path] = try await attempt("read \(path)") { () async throws(WorkspaceError) -> [UInt8]? in
                guard let status = try await workspace.stat(Home.path(path)), status.kind == .file else { return nil }
                return try await workspace.read(Home.path(path))
            }
        }
    }

    private func run(_ argv: [String], in workspace: Workspace) async throws(FixtureError) {
        let command = argv.joined(separator: " ").head(200)
        let result = try await attempt("run `\(command)`") { () throws(WorkspaceError) in
            try await workspace.exec(ExecRequest(argv: argv))
        }
        guard result.exitCode == 0 else {
            let how = result.exitCode.map { "exit code \($0)" } ?? result.endedBy.rawValue
            throw FixtureError(
                "the fixture's command `\(command)` ended with \(how): \(result.stderr.text.tail(300) ?? "")")
        }
    }

    private func attempt<Value: Sendable>(
        _ what: String, _ work: () async throws(WorkspaceError) -> Value
    ) async throws(FixtureError) -> Value {
        do { return try await work() } catch { throw FixtureError("the fixture could not \(what): \(error.message)") }
    }
}

/// A fixture that is no fixture, or that the workspace would not take.
public struct FixtureError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String
    init(_ description: String) { self.description = description }
}
