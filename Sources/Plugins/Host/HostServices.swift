import Glibc
import JSON
import Workspaces

/// What a run gives to a plugin, and what it wants to know of the plugin's host calls.
public struct HostServices: Sendable {
    /// nil: there is none for this plugin; what it may do in one stays the business of its permissions.
    public var workspace: (any WorkspaceAccess)?
    /// Asks a model. The request and the response are as in the contract of the `chat` function of the host API.
    public var chat: (@Sendable (JSONValue) async throws -> JSONValue)?
    /// Seconds since 1970.
    public var now: @Sendable () -> Double = HostServices.systemTime
    /// Level, text, fields.
    public var onLog: (@Sendable (String, String, JSONValue?) -> Void)?
    public var onExec: (@Sendable (ExecRequest, ExecResult) -> Void)?
    /// Every call that leaves Lua, after it was answered.
    public var onCall: (@Sendable (HostCall) -> Void)?

    public init() {}

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
