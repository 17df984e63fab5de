import Glibc
import Lua
import Plugins
import Synchronization
import Workspaces

/// A command of a fake workspace that goes on: it has written what the spec says, and answers input as the spec says.
final class FakeJob: JobAccess {
    private struct State {
        var stdout: [UInt8]
        var stderr: [UInt8]
        var result: ExecResult?
        /// Output for each input that is known.
        var replies: [LuaValue.Member]
    }

    let request: ExecRequest
    let pid: Int
    private let state: Mutex<State>
    private let final: ExecResult
    private let pass: FakeWorkspace.Pass

    /// `running` in the answer: it ends only by a signal, or by the end of its input when `ends_with_input`.
    init(_ request: ExecRequest, pid: Int, scripted answer: LuaValue, pass: @escaping FakeWorkspace.Pass) {
        self.request = request
        self.pid = pid
        self.pass = pass
        final = ExecResult(scripted: answer, limit: request.outputLimit)
        endsWithInput = answer["ends_with_input"]?.bool == true
        let runs = answer["running"]?.bool == true || endsWithInput
        state = Mutex(
            State(
                stdout: final.stdout.bytes, stderr: final.stderr.bytes, result: runs ? nil : final,
                replies: answer["replies"]?.object ?? []))
    }

    private let endsWithInput: Bool

    var result: ExecResult? { state.withLock { $0.result } }
    var stdout: CapturedOutput { state.withLock { CapturedOutput(head: $0.stdout) } }
    var stderr: CapturedOutput { state.withLock { CapturedOutput(head: $0.stderr) } }

    /// Nothing happens to one that runs on while its plugin waits, so the time is over at once.
    func wait(atMost limit: Duration) async throws(WorkspaceError) -> ExecResult? {
        if let result { return result }
        pass(limit)
        return result
    }

    func write(_ bytes: [UInt8]) -> Bool {
        state.withLock { state in
            guard state.result == nil else { return false }
            if let reply = state.replies.first(where: { $0.key == bytes }) { state.stdout += reply.value.bytes ?? [] }
            return true
        }
    }

    func finishInput() { if endsWithInput { end(final) } }

    func resize(_ size: TerminalSize) {}

    /// Signals that end a program by custom end it.
    func signal(_ number: Int32) {
        guard [SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGTERM, SIGUSR1, SIGUSR2].contains(number) else { return }
        var result = final
        result.exitCode = nil
        result.signal = Int(number)
        result.endedBy = .signal
        end(result)
    }

    private func end(_ result: ExecResult) {
        state.withLock { state in
            guard state.result == nil else { return }
            var result = result
            result.stdout = CapturedOutput(head: state.stdout)
            result.stderr = CapturedOutput(head: state.stderr)
            state.result = result
        }
    }
}
