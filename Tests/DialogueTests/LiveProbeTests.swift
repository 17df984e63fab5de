import JSON
import Plugins
import Testing
import Trace

@testable import Dialogue
@testable import Workspaces

/// The start of every trace: which policy held, and that it did.
struct LiveProbeTests {
    @Test func `A trace says which policy held and what a look from inside its own workspace found`() async throws {
        let performance = try await Theatre.perform()
        let start = try #require(try performance.events(.start).first)
        #expect(start["policy_digest"]?.string == PolicyFile().digest.description)
        let probe = try #require(start["probe"])
        #expect(probe["missing"] == [])
        #expect(probe["seccomp_mode"] == 2 && probe["no_new_privs"] == true)
        #expect(probe["interfaces"] == ["lo"])
        #expect(probe["tried"]?["mount"] == "EPERM" && probe["refusals_reported"] == true)
        #expect(probe["root_on_host"] == false)
        var renderer = TraceRenderer(color: false)
        let shown = renderer.render(start)
        #expect(shown.contains("policy \(PolicyFile().digest), probed inside: all walls stand\n"))
    }

    @Test func `Two trajectories of one policy begin with the same words`() async throws {
        var starts: [JSONObject] = []
        for _ in 0..<2 { starts.append(try #require(try await Theatre.perform().events(.start).first).payload) }
        #expect(starts[0] == starts[1])
    }

    @Test func `A wall that is missing ends the trajectory before anything runs`() async throws {
        let performance = try await Theatre.perform(probe: { (workspace) throws(WorkspaceError) in
            var probe = try await workspace.liveProbe()
            probe.missing = ["seccomp is in mode 0, not 2 (filter)"]
            return probe
        })
        #expect(performance.result.outcome == .infrastructure)
        #expect(performance.result.reason.contains("its policy is not enforced: seccomp is in mode 0"))
        let events = try performance.trace.events()
        #expect(events.map(\.type) == ["start", "outcome", "end"])
        #expect(events[0]["probe"]?["missing"] == ["seccomp is in mode 0, not 2 (filter)"])
        var renderer = TraceRenderer(color: false)
        #expect(renderer.render(events[0]).contains("NOT enforced: seccomp is in mode 0"))
    }

    @Test func `A probe that cannot be made ends the trajectory, and the trace says that there is none`() async throws {
        let performance = try await Theatre.perform(probe: { _ throws(WorkspaceError) in
            throw WorkspaceError(.unavailable, "the probe did not end")
        })
        #expect(performance.result.outcome == .infrastructure)
        let events = try performance.trace.events()
        #expect(events.map(\.type) == ["start", "outcome", "end"])
        #expect(events[0]["probe"] == nil && events[0]["policy_digest"] != nil)
        var renderer = TraceRenderer(color: false)
        #expect(renderer.render(events[0]).contains("not probed"))
    }
}
