import Glibc
import Testing

@testable import Workspaces

/// What a process may ask for itself.
@Suite struct D3Privileges {
    @Test(.attack(44, 45)) func `D44 D45 Options that reach too far are refused`() async throws {
        let seen = try await Target.probe("options")
        seen.expectAll(["EPERM"], except: ["personality_query": "ok"])
    }

    @Test(.attack(44)) func `D44 A process may call itself init, and is still told apart`() async throws {
        try await Target.withWorkspace { workspace in
            let spoof =
                "import ctypes, time; ctypes.CDLL(None).prctl(15, b'init'); ctypes.CDLL(None).prctl(4, 1); time.sleep(1000)"
            let run = try await workspace.exec(
                ExecRequest(argv: ["python3", "-c", spoof], timeout: .milliseconds(700)))
            #expect(run.endedBy == .timeout)
            #expect(try await workspace.exec(.shell("ps ax | grep -c '[p]ython3'")).stdout.text == "0\n")
        }
    }

    @Test(.attack(45)) func `D45 Addresses stay random`() async throws {
        let where_ = "grep -m1 stack /proc/self/maps; grep -m1 stack /proc/self/maps"
        let seen = try await Target.shell("setarch -R true 2>/dev/null && echo switched off; \(where_)")
        let lines = seen.stdout.text.split(separator: "\n")
        #expect(lines.count == 2 && lines[0] != lines[1], "\(seen.stdout.text)")
    }

    @Test(.attack(46), arguments: Policy.Identity.allCases)
    func `D46 No priority can be raised, and the init's cannot be touched`(identity: Policy.Identity) async throws {
        var policy = Policy()
        policy.identity = identity
        try await Target.probe("priorities", policy: policy).expectAll(["EPERM", "EACCES", "EROFS"])
    }

    @Test(.attack(47), arguments: Policy.Identity.allCases)
    func `D47 Hard limits stay, also the init's`(identity: Policy.Identity) async throws {
        var policy = Policy()
        policy.identity = identity
        // Whoever sets the core limit is told that it was done.
        try await Target.probe("limits", policy: policy).expectAll(
            ["EPERM"], except: ["core": "ok", "core_stays": "1"])
    }

    @Test(.attack(48), arguments: [true, false])
    func `D48 A filter of one's own only tightens`(reports: Bool) async throws {
        var policy = Policy()
        policy.reportsDenials = reports
        let seen = try await Target.probe("filters", policy: policy)
        #expect(seen["plain"] == "ok" && seen["unshare_under_own_filter"] == "EPERM" && seen["strict"] != "ok")
        if reports { #expect(seen["listener"] == "EBUSY") }
    }

    @Test(.attack(49)) func `D49 Keyrings are unreachable`() async throws {
        let seen = try await Target.probe("forbidden")
        for name in ["keyctl", "keyctl_session_to_parent", "add_key", "request_key"] {
            #expect(seen[name] == "EPERM", "\(name)")
        }
    }
}
