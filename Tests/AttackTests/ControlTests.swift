import Glibc
import Testing

@testable import Workspaces

/// The same tries outside a workspace: that they succeed here shows that the probes can tell.
@Suite struct ControlTests {
    private static let outside = Task { () -> [String: String] in
        try await withHostDirectory { directory in
            writeHostFile(directory + "/probe", Target.probeProgram, mode: 0o755)
            let text = await runOnHost(directory + "/probe", ["controls"])
            var seen: [String: String] = [:]
            for line in text.split(separator: "\n") {
                let halves = line.split(separator: "=")
                if halves.count == 2 { seen[String(halves[0])] = String(halves[1]) }
            }
            return seen
        }
    }

    @Test func `Outside a workspace the probes succeed`() async throws {
        let seen = try await Self.outside.value
        let works = seen.filter { $0.value == "ok" }.map(\.key).sorted()
        print("attack suite control: \(works.count) of \(seen.count) probes succeed outside a workspace")
        #expect(works.count >= 15, "\(seen)")
    }

    @Test(arguments: [
        "unshare a user namespace", "vsock", "mptcp", "io_uring", "trace a process", "keyctl", "vmsplice", "setns",
    ])
    func `What a workspace refuses by its filter is there outside`(name: String) async throws {
        let seen = try await Self.outside.value
        if seen[name] != "ok" { try Test.cancel("this machine refuses it itself: \(seen[name] ?? "not tried")") }
        #expect(seen[name] == "ok")
    }

    @Test func `A probe that could harm does not run outside`() async throws {
        try await withHostDirectory { directory in
            writeHostFile(directory + "/probe", Target.probeProgram, mode: 0o755)
            for name in ["mounts", "signals", "priorities"] {
                let said = await runOnHost("/bin/sh", ["-c", "'\(directory)/probe' \(name) 2>&1; echo $?"])
                #expect(said == "probe: this runs in a workspace only\n65\n")
            }
        }
    }
}
