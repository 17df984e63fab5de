import JSON
import Lua
import Plugins
import Synchronization
import Workspaces

/// What one test plays on: its workspaces, the plugin's states, and the calls that were made.
final class Stage: Sendable {
    enum Place: Sendable {
        case fake
        case real(WorkspaceHost)
    }

    /// A plugin's state serves all calls of a test that give it the same workspace and settings, as in a run. A call that
    /// names a seed gets a fresh one.
    private struct Key: Hashable {
        var workspace: Int?
        var config: JSONValue
        var seed: UInt64?
    }

    private struct State {
        var workspaces: [any WorkspaceAccess] = []
        var instances: [Key: PluginInstance] = [:]
        var records: [CallRecord] = []
        var note: LuaValue?
        var isBroken = false
        var pending: (record: CallRecord, task: Task<Void, Never>)?
    }

    let plugin: Plugin
    let rehearsal: Rehearsal
    let goldens: GoldenFiles
    private let place: Place
    private let state = Mutex(State())

    init(
        _ plugin: Plugin, in place: Place, _ goldens: GoldenFiles, failing: Int? = nil,
        observer: (@Sendable (ExecRequest, ExecResult) -> Void)? = nil, coverage: Coverage? = nil
    ) {
        self.plugin = plugin
        self.place = place
        self.goldens = goldens
        rehearsal = Rehearsal(failing: failing, observer: observer, coverage: coverage)
    }

    var records: [CallRecord] { state.withLock { $0.records } }
    var note: LuaValue? { state.withLock { $0.note } }
    var isBroken: Bool { state.withLock { $0.isBroken } }
    func setNote(_ value: LuaValue) { state.withLock { $0.note = value } }

    /// Ends what still runs and closes the workspaces.
    func end() async {
        await rehearsal.exchange?.abandon()
        let (workspaces, pending) = state.withLock { ($0.workspaces, $0.pending?.task) }
        pending?.cancel()
        for case let workspace as Workspace in workspaces { await workspace.close() }
    }

    // MARK: Workspaces

    func open(_ description: LuaValue) async throws(LuaHostError) -> Int {
        let workspace: any WorkspaceAccess
        switch place {
        case .fake:
            let rehearsal = rehearsal
            workspace = FakeWorkspace(pass: { rehearsal.pass($0) }) { request, isJob throws(WorkspaceError) in
                try await rehearsal.exec(request, isJob: isJob)
            }
        case .real(let host):
            var policy = Policy()
            if rehearsal.observer != nil {
                policy.changeTracking = .metadata
                policy.tracksProcesses = true
            }
            do throws(WorkspaceError) { workspace = try await host.open(policy) } catch {
                throw LuaHostError("E_UNAVAILABLE", error.message)
            }
        }
        let number = state.withLock { state in
            state.workspaces.append(workspace)
            return state.workspaces.count - 1
        }
        do throws(WorkspaceError) {
            for folder in description["folders"]?.array ?? [] { try await workspace.makeDirectory(folder.string ?? "") }
            for file in description["files"]?.array ?? [] {
                try await workspace.write(
                    file["path"]?.string ?? "", file["content"]?.bytes ?? [],
                    mode: UInt16(clamping: file["mode"]?.int ?? 0o644), append: false, createParents: true)
            }
        } catch {
            throw LuaHostError("E_SPEC", "the workspace could not be filled: \(error.message)")
        }
        return number
    }

    func workspace(_ number: LuaValue?) throws(LuaHostError) -> any WorkspaceAccess {
        let workspaces = state.withLock { $0.workspaces }
        guard let index = number?.int, workspaces.indices.contains(index) else {
            throw LuaHostError("E_SPEC", "there is no such workspace")
        }
        return workspaces[index]
    }

    // MARK: Calls

    /// Starts a call and returns when it is done or wants an answer.
    func call(_ request: LuaValue) async throws(LuaHostError) -> LuaValue {
        let exchange = Exchange()
        let key = Key(
            workspace: request["ws"]?.int, config: request["config"]?.json ?? [:],
            seed: request["seed"]?.int.map { UInt64(bitPattern: Int64($0)) })
        let function = request["function"]?.string ?? ""
        let arguments = (request["arguments"]?.array ?? []).map(\.json)
        rehearsal.begin(try script(request), exchange)
        let record = CallRecord(
            function: function, arguments: .array(arguments), result: .success(.null), hostCalls: [])
        let task = Task {
            let result: Result<JSONValue, PluginError>
            do throws(PluginError) {
                result = .success(try await self.instance(key).call(function, arguments))
            } catch {
                result = .failure(error)
            }
            await exchange.finish(result)
        }
        state.withLock { $0.pending = (record, task) }
        return await next(exchange)
    }

    /// The answer that the plugin waits for; returns as `call` does.
    func answer(_ value: LuaValue) async throws(LuaHostError) -> LuaValue {
        guard let exchange = rehearsal.exchange else { throw LuaHostError("E_SPEC", "no call is under way") }
        await exchange.answer(value)
        return await next(exchange)
    }

    /// The spec cannot answer: the call ends, and so must the test.
    func abandon() async {
        state.withLock { $0.isBroken = true }
        await rehearsal.exchange?.abandon()
    }

    private func next(_ exchange: Exchange) async -> LuaValue {
        let result: Result<JSONValue, PluginError>
        switch await exchange.next() {
        case .question(let question): return question
        case .finished(let outcome): result = outcome
        }
        state.withLock { state in
            guard var record = state.pending?.record else { return }
            record.result = result
            record.hostCalls = rehearsal.hostCalls
            state.records.append(record)
            state.pending = nil
        }
        let commands = LuaValue.array(rehearsal.commands.map { .array($0.map(LuaValue.string)) })
        switch result {
        case .success(let value): return ["result": LuaValue(value, droppingNulls: true), "commands": commands]
        case .failure(let error): return ["error": error.luaValue, "commands": commands]
        }
    }

    private func instance(_ key: Key) async throws(PluginError) -> PluginInstance {
        if key.seed == nil, let instance = state.withLock({ $0.instances[key] }) { return instance }
        let workspaces = state.withLock { $0.workspaces }
        let instance = try await PluginInstance(
            plugin, host: rehearsal.services(key.workspace.map { workspaces[$0] }), seed: key.seed ?? 1,
            config: key.config)
        if key.seed == nil { state.withLock { $0.instances[key] = instance } }
        return instance
    }

    /// A member of the table that the plugin returns.
    func value(_ member: String) async throws(LuaHostError) -> LuaValue {
        do throws(PluginError) {
            let value = try await instance(Key(workspace: nil, config: [:], seed: nil)).value(member)
            return LuaValue(value, droppingNulls: true)
        } catch {
            throw LuaHostError(error.code, error.description)
        }
    }

    private func script(_ request: LuaValue) throws(LuaHostError) -> Rehearsal.Script {
        var script = Rehearsal.Script()
        if let now = request["now"]?.double { script.now = now }
        script.chats = request["chat"]?.bool == true
        script.substitutes = Set((request["host"]?.array ?? []).compactMap(\.string))
        for name in script.substitutes { try Self.checkHostFunction(name, option: "host") }
        for fault in request["faults"]?.array ?? [] {
            guard let function = fault["call"]?.string else {
                throw LuaHostError("E_SPEC", "a fault is {call = \"ws.read\", nth = 1, code = \"E_IO\"}")
            }
            try Self.checkHostFunction(function, option: "faults")
            let code = fault["code"]?.string ?? "E_IO"
            let message = fault["message"]?.string ?? "\(function) failed with \(code), as the spec wanted it"
            script.faults.append(
                Rehearsal.Fault(
                    function: function, nth: fault["nth"]?.int ?? 1, error: LuaHostError(code, message)))
        }
        return script
    }

    private static func checkHostFunction(_ name: String, option: String) throws(LuaHostError) {
        guard HostReference.function(name) == nil else { return }
        let guess = Suggestion.question(for: name, among: HostReference.functions.map(\.name))
        throw LuaHostError("E_SPEC", "\(option): there is no host function \"\(name)\"\(guess)")
    }
}

extension PluginError {
    /// As a spec gets it when it catches the error.
    fileprivate var luaValue: LuaValue {
        var members = [
            LuaValue.Member("code", .string(code)), LuaValue.Member("message", .string(message)),
            LuaValue.Member("model_message", .string(modelMessage)),
        ]
        if let details { members.append(LuaValue.Member("details", LuaValue(details, droppingNulls: true))) }
        if let file { members.append(LuaValue.Member("file", .string(file))) }
        if let line { members.append(LuaValue.Member("line", .int(line))) }
        return .object(members)
    }
}
