import JSON
import Lua
import Synchronization

/// What the host functions of one instance share: how many calls this call has made, and whether the file is still
/// being loaded.
final class HostSession: Sendable {
    private struct State {
        var isLoading = true
        var calls = 0
        var recent: [String] = []
    }

    let manifest: PluginManifest
    /// What host functions go by.
    let permissions: EffectivePermissions
    let limits: PluginLimits
    let services: HostServices
    private let state = Mutex(State())

    private static let remembered = 8

    init(_ manifest: PluginManifest, _ services: HostServices, ceiling: PluginCeiling = PluginCeiling()) {
        self.manifest = manifest
        permissions = EffectivePermissions(manifest, ceiling: ceiling)
        limits = manifest.limits.lowered(by: ceiling.limits)
        self.services = services
    }

    func beginCall() {
        state.withLock { state in
            state.isLoading = false
            state.calls = 0
            state.recent.removeAll(keepingCapacity: true)
        }
    }

    /// The names of the last host calls, oldest first.
    var recentCalls: [String] { state.withLock { $0.recent } }

    /// Counts a call. Throws the end of the whole call when there were too many.
    func count(_ function: String) throws(LuaHostError) {
        let isOver = state.withLock { state in
            state.calls += 1
            if state.recent.count == Self.remembered { state.recent.removeFirst() }
            state.recent.append(function)
            return state.calls > limits.hostCalls
        }
        if isOver { throw LuaHostError("limit", "more than \(limits.hostCalls) host calls", endsCall: true) }
    }

    func requireLoaded(_ function: String) throws(LuaHostError) {
        guard state.withLock({ $0.isLoading }) else { return }
        throw LuaHostError(
            "E_LOADING", "\(function) is not there while the file is being loaded; call it from a function")
    }

    /// Tells the services of a call that has been answered.
    func observe(
        _ function: String, _ arguments: [LuaValue], _ answer: Result<LuaValue, LuaHostError>,
        since start: ContinuousClock.Instant, acts: Bool = false
    ) {
        guard services.onCall != nil || acts && services.onAction != nil else { return }
        var call = HostCall(
            function: function, arguments: .array(arguments.map(\.json)), wall: ContinuousClock.now - start)
        switch answer {
        case .success(let value): call.result = value.json
        case .failure(let error):
            call.errorCode = error.code
            call.errorMessage = error.message
        }
        services.onCall?(call)
        if acts { services.onAction?(call) }
    }
}

extension HostSession {
    /// A host function that answers at once, counted and observed.
    /// - Parameter acts: it goes to the record as an action.
    func immediate(
        _ name: String, acts: Bool = false,
        _ answer: @escaping @Sendable (HostArguments) throws(LuaHostError) -> LuaValue
    ) -> LuaHostFunction {
        .immediate(name) { values throws(LuaHostError) in
            let start = ContinuousClock.now
            try self.count(name)
            let result = Result { () throws(LuaHostError) in
                if let fault = self.services.fault?(name) { throw fault }
                return try answer(HostArguments(name, values))
            }
            self.observe(name, values, result, since: start, acts: acts)
            return try result.get()
        }
    }

    /// A host function that waits, counted and observed. It is not there while the file is being loaded.
    func waiting(
        _ name: String, acts: Bool = false,
        _ answer: @escaping @Sendable (HostArguments) async throws(LuaHostError) -> LuaValue
    ) -> LuaHostFunction {
        .waiting(name) { values async throws(LuaHostError) in
            let start = ContinuousClock.now
            try self.count(name)
            try self.requireLoaded(name)
            let result: Result<LuaValue, LuaHostError>
            if let fault = self.services.fault?(name) {
                result = .failure(fault)
            } else if let substitute = await self.services.substitute?(name, values) {
                result = substitute
            } else {
                do throws(LuaHostError) { result = .success(try await answer(HostArguments(name, values))) } catch {
                    result = .failure(error)
                }
            }
            self.observe(name, values, result, since: start, acts: acts)
            return try result.get()
        }
    }
}
