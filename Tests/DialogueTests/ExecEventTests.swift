import JSON
import TestSupport
import Testing
import Trace

@testable import Dialogue
@testable import Workspaces

/// A command's event says what its result says.
struct ExecEventTests {
    private func payload(_ request: ExecRequest, _ policy: Policy) async throws -> JSONObject {
        let workspace = try await SharedHost.host.open(policy)
        let result = try await workspace.exec(request)
        await workspace.close()
        return TraceEvent.exec(request, result, call: nil, turn: nil).payload
    }

    @Test func `A list of changes that may lack something is told as such, one that does not is not`() async throws {
        var policy = Policy()
        policy.changeTracking = .metadata
        let deep = "import os\nfor _ in range(300): os.mkdir('d'); os.chdir('d')"
        let lacking = try await payload(ExecRequest(argv: ["python3", "-c", deep]), policy)
        #expect(lacking["changes_incomplete"] == true)
        let whole = try await payload(.shell("touch f"), policy)
        #expect(whole["changes_incomplete"] == nil)
    }

    @Test func `A list of denials that lacks some is told as such`() async throws {
        var policy = Policy()
        #expect(try await payload(.shell("true"), policy)["denials_incomplete"] == nil)
        policy.reportsDenials = false
        #expect(try await payload(.shell("true"), policy)["denials_incomplete"] == true)
    }

    @Test func `What is left running is told, and how long a kill took`() async throws {
        let left = try await payload(.shell("sleep 5000 > /dev/null 2>&1 & echo ok"), Policy())
        #expect(left["left_running"]?.array?.count == 1 && left["kill_latency_us"] == nil)
        let killed = try await payload(
            .shell("echo begun; sleep 5000 & sleep 5000", timeout: .milliseconds(300)), Policy())
        #expect(killed["ended_by"] == "timeout" && killed["left_running"] == nil)
        #expect((killed["kill_latency_us"]?.int ?? 0) > 0)
    }

    @Test func `Processes have their user and their system time apart`() async throws {
        var policy = Policy()
        policy.tracksProcesses = true
        let processes = try #require(try await payload(.shell("exit 3"), policy)["processes"]?.array)
        #expect(processes.count == 1)
        let (user, system) = (processes[0]["user_cpu_us"]?.int ?? -1, processes[0]["system_cpu_us"]?.int ?? -1)
        #expect(user >= 0 && system >= 0 && user + system > 0)
    }
}
