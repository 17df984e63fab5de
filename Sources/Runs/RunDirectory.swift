import Basics
import Glibc
import Intents
import JSON
import Trace

/// Where a run keeps everything: `run.json` (how it was started), `intents.jsonl` (what it works on), `trajectories/` (one
/// trace each), `blobs/` (large strings), `skills/` (what agents read of them) and, at the end, `summary.json`.
public struct RunDirectory: Sendable {
    public let path: String

    public var configuration: String { path + "/run.json" }
    public var intents: String { path + "/intents.jsonl" }
    public var trajectories: String { path + "/trajectories" }
    /// Large strings of all traces, by content.
    public var blobs: String { path + "/blobs" }
    /// Copies of the skills, which workspaces see.
    public var skills: String { path + "/skills" }
    public var summary: String { path + "/summary.json" }

    /// `runs/2026-08-01T09-30-00.123Z`: no character that a shell or another system dislikes.
    public static func dated(_ prefix: String) -> String {
        prefix + Timestamp.now().rfc3339.map { $0 == ":" ? "-" : String($0) }.joined()
    }

    /// Makes `path` the directory of a new run and writes `configuration` there, before any work is done: a directory that
    /// cannot be written to, or belongs to something else, shows now. Of two processes that want the same directory one gets
    /// it.
    /// - Throws: `.directory`.
    public static func claim(_ path: String, configuration: JSONValue) throws(RunError) -> RunDirectory {
        let directory = RunDirectory(path: path)
        try directory.checkIsFree()
        do throws(SystemError) {
            try Files.makeDirectory(path)
            try Files.write(
                directory.configuration, Array((configuration.pretty + "\n").utf8), exclusive: true, synced: true)
            do throws(SystemError) {
                try Files.makeDirectory(directory.trajectories)
            } catch {
                directory.abandon()
                throw error
            }
        } catch  where error.code == EEXIST && error.path == directory.configuration {
            throw directory.taken
        } catch {
            throw RunError(.directory, "cannot write the run to \(path): \(error); choose another one with --out")
        }
        return directory
    }

    /// Gives an unused claim back: nothing is removed but what stands there before the first trajectory.
    public func abandon() {
        unlink(configuration)
        unlink(intents)
        rmdir(trajectories)
        rmdir(path)
    }

    public func write(_ records: [IntentRecord]) throws(RunError) {
        try replace(intents, with: IntentFile.bytes(of: records))
    }

    public func write(summary value: JSONValue) throws(RunError) {
        try replace(summary, with: Array((value.pretty + "\n").utf8))
    }

    private func replace(_ file: String, with bytes: [UInt8]) throws(RunError) {
        do {
            try Files.replace(file, bytes)
        } catch {
            throw RunError(.directory, "cannot write \(file): \(error)")
        }
    }

    private func checkIsFree() throws(RunError) {
        let content: [String]
        do {
            content = try Files.names(in: path, hidden: true)
        } catch  where error.code == ENOENT {
            return
        } catch {
            throw RunError(.directory, "cannot use \(path) for the run: \(error); choose another directory with --out")
        }
        if content.contains("run.json") { throw taken }
        guard content.isEmpty else {
            throw RunError(
                .directory,
                "\(path) is not empty and holds no run (\(content.prefix(3).joined(separator: ", "))); "
                    + "choose a new or empty directory with --out")
        }
    }

    private var taken: RunError {
        RunError(.directory, "\(path) holds a run already; choose another directory with --out, or remove it first")
    }
}
