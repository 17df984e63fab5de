import Basics
import Glibc
import JSON
import TestSupport
import Trace

@testable import Runs

/// Paths of the finished traces, sorted.
func traces(in place: TemporaryDirectory, _ run: String) throws -> [String] {
    let folder = place.file("\(run)/trajectories")
    guard Files.isDirectory(folder) else { return [] }
    return try Files.names(in: folder).filter { $0.hasSuffix(".jsonl") }.sorted().map { folder + "/" + $0 }
}

func events(_ trace: String) throws -> [JSONValue] {
    try TestSupport.readFile(trace).split(separator: 0x0A).map { try JSONValue(parsing: Array($0)) }
}

/// What was said, called and answered, without the times.
func story(of trace: String) throws -> [JSONValue] {
    let told: Set<String> = ["user_turn", "agent_message", "tool_call", "tool_result", "digest", "goal", "outcome"]
    return try events(trace).compactMap { event in
        guard let type = event["type"]?.string, told.contains(type), var members = event.object else { return nil }
        for key in ["time", "prev", "wall_ms", "seq", "parent"] { members[key] = nil }
        return .object(members)
    }
}
