import Glibc
import TestSupport
import Testing

@testable import Runs

/// What `ise` was started with at its standard input is none of a tool's business.
@Suite struct StandardInputTests {
    private static let call =
        #""$ISE" plugin call exec '{"command": "cat; readlink /proc/self/fd/0"}' --json"#

    @Test(arguments: [
        ("an open pipe", #"mkfifo "$DIR/p"; exec 3<>"$DIR/p"; \#(call) <&3 3<&-"#),
        (
            "a terminal",
            #"python3 -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(["sh", "-c", sys.argv[1]])))' '\#(call.replacing("'", with: #"'\''"#))' < /dev/null"#
        ),
        ("nothing", "\(call) <&-"),
    ])
    func `A tool's command finds the end of its input at once, whatever ise itself was given`(
        name: String, script: String
    ) async throws {
        let place = try TemporaryDirectory()
        let ending = try await hostScript(script, environment: ["DIR": place.path])
        #expect(ending.status == 0 && ending.stdout.contains(#"/dev/null\n"#), "\(name): \(ending)")
    }
}
