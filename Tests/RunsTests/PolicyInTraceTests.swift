import JSON
import TestSupport
import Testing

@testable import Runs

/// One policy file has one name, wherever it holds.
@Suite struct PolicyInTraceTests {
    private static let policy = #"{"network": "none", "limits": {"memory": "1GiB"}, "exec": {"timeout": "90s"}}"#

    @Test func `A policy's digest is the same in the sandbox, in a run's directory and in each of its traces`()
        async throws
    {
        let place = try TemporaryDirectory()
        try place.write("policy.json", Array(Self.policy.utf8))
        let printed = try await sandbox("--policy", place.file("policy.json"), "--print-policy")
        let digest = try #require(printed.stderr.split(whereSeparator: \.isWhitespace).last.map(String.init))
        #expect(digest.hasPrefix("sha256:") && digest.count == 71)

        let report = try await sandbox("--policy", place.file("policy.json"), "--json", "--", "true")
        let result = try JSONValue(parsing: report.stdout)
        #expect(result["policy_digest"]?.string == digest)
        #expect(result["probe"]?["missing"] == [] && result["probe"]?["seccomp_mode"] == 2)
        // As options, and as the file that was printed.
        try place.write("printed.json", Array(printed.stdout.utf8))
        let others = [
            try await sandbox("--network", "none", "--memory", "1024MiB", "--timeout", "90", "--print-policy"),
            try await sandbox("--policy", place.file("printed.json"), "--print-policy"),
        ]
        for other in others { #expect(other.stderr.contains(digest), "\(other.stderr)") }

        let run = try await ise(
            "run", "--count", "2", "--seed", "7", "--policy", place.file("policy.json"), "--out", place.file("run"))
        #expect(run.status == 0, "\(run.stderr)")
        #expect(try JSONValue(parsing: place.read("run/run.json"))["run"]?["policy_digest"]?.string == digest)
        let traces = try traces(in: place, "run")
        #expect(traces.count >= 2)
        for trace in traces {
            let start = try #require(try events(trace).first)
            #expect(start["policy_digest"]?.string == digest)
            #expect(start["probe"]?["missing"] == [] && start["probe"]?["interfaces"] == ["lo"])
            let shown = try await ise("trace", "show", trace)
            #expect(shown.stdout.contains("policy \(digest), probed inside: all walls stand\n"))
        }
    }

    @Test func `Doctor tells the usual policy's digest and what a look from inside finds`() async throws {
        let found = try await ise("doctor", "--json")
        let doctor = try JSONValue(parsing: found.stdout)
        let usual = try await sandbox("--print-policy").stderr
        #expect(try usual.contains(#require(doctor["usual_policy_digest"]?.string)))
        #expect(doctor["probe"]?["missing"] == [])
    }
}
