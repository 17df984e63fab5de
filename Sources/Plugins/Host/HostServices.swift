import Glibc
import JSON
import Lua
import Workspaces

/// One of the things that a run does for plugins: takes the function's argument, a table or nil, and gives its result.
public typealias HostService = @Sendable (LuaValue) async throws(LuaHostError) -> LuaValue

/// What a run gives to a plugin, and what it wants to know of the plugin's host calls.
public struct HostServices: Sendable {
    /// nil: there is none for this plugin; what it may do in one stays the business of its permissions.
    public var workspace: (any WorkspaceAccess)?
    /// Asks a model. The request and the response are as in the contract of the `chat` function of the host API.
    public var chat: (@Sendable (JSONValue) async throws -> JSONValue)?
    /// Embeds texts. The request and the response are as in the contract of the `embed` function.
    public var embed: (@Sendable (JSONValue) async throws -> JSONValue)?
    /// Other things that the run does for plugins, by the name of the host function; see ``ServiceFunctions``.
    public var functions: [String: HostService] = [:]
    /// The commands that run on. Plugins that share it see each other's.
    public var jobs = JobTable()
    /// What plugins keep between calls.
    public var store = PluginStore()
    /// Seconds since 1970.
    public var now: @Sendable () -> Double = HostServices.systemTime
    public var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    /// For tests of plugins: an error that a host function raises instead of doing its work.
    public var fault: (@Sendable (_ function: String) -> LuaHostError?)?
    /// For tests of plugins: answers a function that waits instead of the host; nil: the host does.
    public var substitute:
        (@Sendable (_ function: String, _ arguments: [LuaValue]) async -> Result<LuaValue, LuaHostError>?)?
    /// For tests of plugins: each line before it runs. Lua then takes several times as long.
    public var onLine: LineObserver?
    /// Level, text, fields.
    public var onLog: (@Sendable (String, String, JSONValue?) -> Void)?
    public var onExec: (@Sendable (ExecRequest, ExecResult) -> Void)?
    /// The end of a job, by its id: told when a plugin looks at it.
    public var onJobEnd: (@Sendable (String, ExecRequest, ExecResult) -> Void)?
    /// Calls that do something which neither `onExec` nor the services themselves tell.
    public var onAction: (@Sendable (HostCall) -> Void)?
    /// Every call that leaves Lua, after it was answered.
    public var onCall: (@Sendable (HostCall) -> Void)?

    public init() {}

    /// Tells `onJobEnd` of the jobs that have ended since the last time.
    public func tellEndedJobs() {
        for ended in jobs.takeEnded() { onJobEnd?(ended.id, ended.job.request, ended.result) }
    }

    private static let systemTime: @Sendable () -> Double = {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}

/// One host call of a plugin, for the record.
public struct HostCall: Sendable, Equatable {
    /// "ws.read".
    public var function: String
    public var arguments: JSONValue
    /// nil when it raised an error.
    public var result: JSONValue?
    public var errorCode: String?
    public var errorMessage: String?
    public var wall: Duration
}
