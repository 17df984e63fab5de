import JSON
import Lua
import Plugins
import Synchronization
import Workspaces

/// The call under way and what was scripted for it: what the host services of a plugin under test look at.
final class Rehearsal: Sendable {
    struct Fault: Sendable {
        var function: String
        /// 1: the first call of the function.
        var nth: Int
        var error: LuaHostError
    }

    struct Script: Sendable {
        var faults: [Fault] = []
        /// Seconds since 1970.
        var now = Rehearsal.defaultTime
        /// Whether the spec answers for the model.
        var chats = false
        /// Host functions that the spec answers itself.
        var substitutes: Set<String> = []
    }

    private struct State {
        var script = Script()
        var exchange: Exchange?
        var calls: [HostCall] = []
        var commands: [[String]] = []
        var counts: [String: Int] = [:]
        var total = 0
        var log: [String] = []
        var failing: Int?
        var failed: String?
    }

    /// 2026-01-01T00:00:00Z: specs see the same time whenever they run.
    static let defaultTime = 1_767_225_600.0

    private let state: Mutex<State>
    private let jobs = JobTable()
    private let store = PluginStore()

    let observer: (@Sendable (ExecRequest, ExecResult) -> Void)?
    private let coverage: Coverage?

    /// - Parameters:
    ///   - failing: the host call, counted from 1 over the whole test, that fails.
    ///   - observer: is told of every program that ran.
    init(
        failing: Int? = nil, observer: (@Sendable (ExecRequest, ExecResult) -> Void)? = nil, coverage: Coverage? = nil
    ) {
        state = Mutex(State(failing: failing))
        self.observer = observer
        self.coverage = coverage
    }

    func begin(_ script: Script, _ exchange: Exchange) {
        state.withLock { state in
            state.script = script
            state.exchange = exchange
            state.calls = []
            state.commands = []
            state.counts = [:]
        }
    }

    var exchange: Exchange? { state.withLock { $0.exchange } }
    var hostCalls: [HostCall] { state.withLock { $0.calls } }
    var commands: [[String]] { state.withLock { $0.commands } }
    /// Host calls in the whole test that can fail.
    var total: Int { state.withLock { $0.total } }
    /// The function that failed on demand.
    var failed: String? { state.withLock { $0.failed } }
    var log: [String] { state.withLock { $0.log } }

    func note(_ line: String) { state.withLock { $0.log.append(line) } }

    /// Lets virtual time pass.
    func pass(_ time: Duration) { state.withLock { $0.script.now += time / .seconds(1) } }

    /// What a plugin instance gets of the host.
    func services(_ workspace: (any WorkspaceAccess)?) -> HostServices {
        var services = HostServices()
        services.workspace = workspace
        services.jobs = jobs
        services.store = store
        services.now = { self.state.withLock { $0.script.now } }
        if workspace is FakeWorkspace {
            services.sleep = { self.pass($0) }
        }
        services.fault = { self.fault(of: $0) }
        services.substitute = { name, arguments in
            guard self.state.withLock({ $0.script.substitutes.contains(name) }) else { return nil }
            return await self.substitute(name, arguments)
        }
        services.chat = { request in try await self.chat(request) }
        if let coverage { services.onLine = { coverage.note($0, $1) } }
        services.onCall = { call in self.state.withLock { $0.calls.append(call) } }
        services.onExec = { request, result in
            self.observer?(request, result)
            let argv = request.argv.map { String(decoding: $0, as: UTF8.self) }
            self.state.withLock { $0.commands.append(argv) }
        }
        services.onLog = { level, text, fields in
            self.note("\(level): \(text)\(fields.map { " \($0.compact)" } ?? "")")
        }
        return services
    }

    /// The error that this call of the function raises instead of doing its work.
    private func fault(of function: String) -> LuaHostError? {
        state.withLock { state in
            state.total += 1
            state.counts[function, default: 0] += 1
            if state.total == state.failing {
                state.failed = function
                let code = Self.likelyFailure(of: function)
                return LuaHostError(code, "\(function) failed with \(code), as the test wanted it")
            }
            let count = state.counts[function]
            return state.script.faults.first { $0.function == function && $0.nth == count }?.error
        }
    }

    /// The first error that the reference has for the function, other than a missing permission.
    private static func likelyFailure(of function: String) -> String {
        let failures = HostReference.function(function)?.failures.map(\.code) ?? []
        return failures.first { $0 != "E_PERMISSION" } ?? "E_IO"
    }

    // MARK: Scripted answers

    private static let abandoned = LuaHostError("E_UNAVAILABLE", "the spec has no answer", endsCall: true)

    private func ask(_ question: LuaValue) async throws(LuaHostError) -> LuaValue {
        guard let answer = await exchange?.ask(question) else { throw Self.abandoned }
        if let code = answer["error"]?.string {
            throw LuaHostError(code, answer["message"]?.string ?? "the spec wants this call to fail")
        }
        return answer
    }

    private func chat(_ request: JSONValue) async throws -> JSONValue {
        guard state.withLock({ $0.script.chats }) else {
            throw LuaHostError("E_UNAVAILABLE", "no model is configured for this plugin")
        }
        return try await ask(["ask": "chat", "request": LuaValue(request, droppingNulls: true)]).json
    }

    private func substitute(_ name: String, _ arguments: [LuaValue]) async -> Result<LuaValue, LuaHostError> {
        do throws(LuaHostError) {
            let answer = try await ask(["ask": "host", "name": .string(name), "arguments": .array(arguments)])
            return .success(answer["value"] ?? .null)
        } catch {
            return .failure(error)
        }
    }

    /// What the spec says that a command does.
    func exec(_ request: ExecRequest, isJob: Bool) async throws(WorkspaceError) -> LuaValue {
        do throws(LuaHostError) {
            return try await ask(["ask": "exec", "request": LuaValue(request, isJob: isJob)])
        } catch {
            throw WorkspaceError(scripted: error)
        }
    }
}
