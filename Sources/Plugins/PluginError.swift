import Basics
import JSON
import Lua

/// Why a plugin gave no answer: one text for the model, one for the record.
public struct PluginError: Error, Sendable, Equatable, CustomStringConvertible {
    /// `invalid_args`; the code that the plugin gave to `ctx.fail`; `E_…` of a host function; `plugin_bug`; `limit`;
    /// `worker_died`; `cancelled`; `unknown_plugin`, `invalid_plugin`, `unavailable`.
    public var code: String
    /// For the record: what happened, in full.
    public var message: String
    /// What a model may see: enough to repair its call, nothing of the plugin's inside.
    public var modelMessage: String
    public var details: JSONValue?
    /// In the plugin's folder.
    public var file: String?
    /// 1-based.
    public var line: Int?
    public var traceback: String?
    /// The host calls before the error, oldest first.
    public var lastHostCalls: [String] = []

    public init(
        code: String, message: String, modelMessage: String? = nil, details: JSONValue? = nil, file: String? = nil,
        line: Int? = nil, traceback: String? = nil
    ) {
        self.code = code
        self.message = message
        self.modelMessage = modelMessage ?? message
        self.details = details
        self.file = file
        self.line = line
        self.traceback = traceback
    }

    public var description: String {
        let position = file.map { file in line.map { "\(file):\($0): " } ?? "\(file): " } ?? ""
        return position + message
    }
}

extension PluginError {
    static func invalidArguments(_ violations: [SchemaViolation]) -> PluginError {
        let list = violations.map(\.description).joined(separator: "; ")
        return PluginError(code: "invalid_args", message: "the arguments do not fit: \(list)")
    }

    static func bug(_ message: String) -> PluginError {
        PluginError(code: "plugin_bug", message: message, modelMessage: toolFailed)
    }

    private static let toolFailed = "the tool failed"

    init(_ error: LuaError, limits: PluginLimits) {
        self.init(code: "plugin_bug", message: error.message, modelMessage: Self.toolFailed)
        switch error.kind {
        case .raised(let code, let details):
            self.code = code
            self.details = details?.json
            modelMessage = code == "E_PERMISSION" ? "not permitted" : "\(code): \(error.message)"
        case .limit(let limit):
            self.code = "limit"
            (message, modelMessage) = Self.texts(limit, limits, error)
        case .cancelled:
            self.code = "cancelled"
            modelMessage = "the call was cancelled"
        case .unavailable:
            self.code = "unavailable"
        case .workerDied:
            self.code = "worker_died"
        case .syntax, .runtime, .value, .missing: break
        }
        file = error.file
        line = error.line
        traceback = error.traceback
    }

    private static func texts(
        _ limit: LuaError.Limit, _ limits: PluginLimits, _ error: LuaError
    ) -> (record: String, model: String) {
        let (name, value, noun) =
            switch limit {
            case .cpu: ("cpu_ms", limits.cpu.wholeMilliseconds, "CPU time")
            case .memory: ("memory_mb", limits.memory >> 20, "memory")
            case .wall: ("wall_ms", limits.wall.wholeMilliseconds, "time")
            case .host: ("host_calls", limits.hostCalls, "host calls")
            case .size: ("output_kb", limits.output >> 10, "room for output")
            }
        return ("ran out of \(noun): limits.\(name) is \(value)", "the tool ran out of \(noun)")
    }
}
