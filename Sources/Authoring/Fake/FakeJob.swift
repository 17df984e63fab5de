import Plugins
import Workspaces

/// A job whose end is already known: a scripted command has no time to run in.
struct FakeJob: JobAccess {
    let request: ExecRequest
    let end: ExecResult

    var pid: Int { 100 }
    var result: ExecResult? { end }
    var stdout: CapturedOutput { end.stdout }
    var stderr: CapturedOutput { end.stderr }

    func wait(atMost limit: Duration) async throws(WorkspaceError) -> ExecResult? { end }
    func write(_ bytes: [UInt8]) -> Bool { false }
    func finishInput() {}
    func resize(_ size: TerminalSize) {}
    func signal(_ number: Int32) {}
}
