import Basics
import JSON
import Workspaces

/// One goal with its verdict.
public struct GoalResult: Sendable, Hashable {
    /// The task that the goal belongs to.
    public var task: String
    /// The goal as the domain wrote it.
    public var goal: JSONValue
    public var met: Bool
    /// Why it is unmet; empty when it is met.
    public var reason: String
}

/// Checks goals in a workspace that is still open. It reads files through the workspace, so a link that the agent left
/// behind leads nowhere outside.
struct GoalEvaluator {
    let workspace: Workspace
    let fixture: Fixture

    /// Bytes: no more of a file is read.
    private static let fileLimit = 8 << 20
    private static let commandTimeout: Duration = .seconds(60)

    /// Nil when the goal is met, otherwise why not. Throws when the workspace itself failed, so that a broken workspace is
    /// never taken for an unmet goal.
    func failure(of goal: Goal) async throws(WorkspaceError) -> String? {
        switch goal {
        case .fileEquals(let path, let content): try await compare(path, with: Array(content.utf8), source: "expected")
        case .fileContains(let path, let text):
            try await check(path) { bytes in
                String(decoding: bytes, as: UTF8.self).contains(text) ? nil : "\(path) does not contain \(quote(text))"
            }
        case .fileExists(let path):
            switch try await look(at: path) {
            case .found: nil
            case .absent: "\(path) does not exist"
            case .hidden(let why): why
            }
        case .fileAbsent(let path):
            switch try await look(at: path) {
            case .found: "\(path) exists and should not"
            case .absent: nil
            case .hidden(let why): why
            }
        case .jsonEquals(let path, let pointer, let value):
            try await check(path) { bytes in jsonFailure(path, bytes, pointer, value) }
        case .unchanged(let path): try await compareWithFixture(path)
        case .command(let command): try await run(command)
        case .mode(let path, let mode): try await compareMode(path, mode)
        }
    }

    private func compareWithFixture(_ path: String) async throws(WorkspaceError) -> String? {
        guard let content = fixture.originals[path] ?? fixture.files[path].map({ Array($0.utf8) }) else {
            return "\(path) is no file of the fixture, so it cannot be compared"
        }
        return try await compare(path, with: content, source: "the fixture has")
    }

    private func compareMode(_ path: String, _ mode: Int) async throws(WorkspaceError) -> String? {
        switch try await look(at: path) {
        case .absent: return "\(path) does not exist"
        case .hidden(let why): return why
        case .found(let status):
            let found = Int(status.mode) & 0o7777
            return found == mode ? nil : "\(path) has mode \(octal(found)), expected \(octal(mode))"
        }
    }

    private func run(_ goal: CommandGoal) async throws(WorkspaceError) -> String? {
        var request = ExecRequest(argv: goal.argv)
        request.timeout = Self.commandTimeout
        let result: ExecResult
        do { result = try await workspace.exec(request) } catch  where error.code == .commandNotFound {
            return "\(goal.argv[0]): command not found"
        }
        let command = goal.argv.joined(separator: " ").head(120)
        guard result.exitCode == goal.exitCode else {
            let found = result.exitCode.map { "exit code \($0)" } ?? "no exit code (\(result.endedBy.rawValue))"
            let tail = result.stderr.text.tail(200).map { ": \($0)" } ?? ""
            return "`\(command)` gave \(found), expected \(goal.exitCode)\(tail)"
        }
        let output = result.stdout.text.trimmed
        if let expected = goal.stdout?.trimmed, output != expected {
            return "`\(command)` printed \(quote(output)), expected \(quote(expected))"
        }
        if let part = goal.stdoutContains, !output.contains(part) {
            return "`\(command)` printed \(quote(output)), which does not contain \(quote(part))"
        }
        return nil
    }
}

// MARK: - Files

extension GoalEvaluator {
    /// What can be said of a path: a directory that may not be entered hides whether there is something in it.
    private enum Sight {
        case found(FileStatus)
        case absent
        case hidden(String)
    }

    private func look(at path: String) async throws(WorkspaceError) -> Sight {
        do {
            return try await workspace.stat(Home.path(path)).map(Sight.found) ?? .absent
        } catch  where error.concernsThePath {
            let isAbsent = error.code == .notFound || error.code == .notDirectory
            return isAbsent ? .absent : .hidden("\(path) cannot be looked at: \(error.message)")
        }
    }

    /// Reads the file and asks `verdict` about its bytes; a file that cannot be read is an unmet goal.
    private func check(
        _ path: String, verdict: ([UInt8]) -> String?
    ) async throws(WorkspaceError) -> String? {
        let bytes: [UInt8]
        do { bytes = try await workspace.read(Home.path(path), limit: Self.fileLimit) } catch
            where error.concernsThePath
        {
            return error.code == .notFound ? "\(path) does not exist" : "\(path) cannot be read: \(error.message)"
        }
        return verdict(bytes)
    }

    private func compare(
        _ path: String, with expected: [UInt8], source: String
    ) async throws(WorkspaceError) -> String? {
        try await check(path) { bytes in
            if bytes == expected { return nil }
            let same = zip(bytes, expected).prefix { $0 == $1 }.count
            return
                "\(path) differs at byte \(same): it has \(excerpt(bytes, at: same)), \(source) \(excerpt(expected, at: same))"
        }
    }

    private func jsonFailure(_ path: String, _ bytes: [UInt8], _ pointer: String, _ expected: JSONValue) -> String? {
        let document: JSONValue
        do { document = try JSONValue(parsing: bytes) } catch { return "\(path) is no JSON: \(error)" }
        guard let found = document.value(at: pointer) else { return "\(path) has nothing at \(quote(pointer))" }
        if found.equalsByValue(expected) { return nil }
        return "\(path) has \(found.compact.head(120)) at \(quote(pointer)), expected \(expected.compact.head(120))"
    }
}

private func octal(_ mode: Int) -> String { "0" + String(mode, radix: 8) }

private func quote(_ text: String) -> String { JSONValue.string(text.head(120)).compact }

private func excerpt(_ bytes: [UInt8], at offset: Int) -> String {
    guard offset < bytes.count else { return "the end of the file" }
    return quote(String(decoding: bytes[offset...].prefix(60), as: UTF8.self))
}

extension WorkspaceError {
    /// True when another path would have worked: the workspace itself is well.
    var concernsThePath: Bool {
        [.notFound, .permission, .isDirectory, .notDirectory, .exists, .tooBig, .invalidPath].contains(code)
    }

    /// True when another command would have run.
    var concernsTheCommand: Bool { concernsThePath || [.commandNotFound, .notExecutable].contains(code) }
}
