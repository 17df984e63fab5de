import JSON
import Workspaces

/// The one answer to a tool call.
struct ToolResult: Sendable {
    var call: IdentifiedCall
    /// True when the tool ran and the world did not refuse.
    var ok: Bool
    /// All of it; the agent gets ``modelText``.
    var text: String
    var details: JSONValue?
    var images: [ToolImage] = []
    var error: ToolError?
    /// The last command that ran during the call.
    var lastExec: ExecResult?

    var modelText: String { ModelFacingText.cap(text) }

    var errorCode: String? { error?.code ?? (ok ? nil : details?["code"]?.string) }

    /// As the tool tells it; otherwise of the last command.
    var exitCode: Int? { details?["exit_code"]?.int ?? lastExec?.exitCode }

    /// One of `results` in the agent's view.
    var view: JSONValue {
        var view: JSONObject = ["tool": .string(call.call.name), "ok": .bool(ok)]
        view["exit_code"] = exitCode.map { .int($0) }
        view["stdout"] = details?["stdout"] ?? lastExec.map { .string($0.stdout.text) }
        view["text"] = .string(modelText)
        return .object(view)
    }
}

/// An image that a tool returned: one of `images = {{mime = "image/png", data = BASE64}}` in its result.
public struct ToolImage: Sendable, Hashable {
    public var mime: String
    /// Base64.
    public var data: String

    public init(mime: String, data: String) {
        self.mime = mime
        self.data = data
    }

    init?(_ value: JSONValue) {
        guard let mime = value["mime"]?.string, mime.hasPrefix("image/"), let data = value["data"]?.string else {
            return nil
        }
        self.mime = mime
        self.data = data
    }

    var json: JSONValue { ["mime": .string(mime), "data": .string(data)] }

    /// As chat models take it.
    var part: JSONValue {
        ["type": "image_url", "image_url": ["url": .string("data:\(mime);base64,\(data)")]]
    }
}

/// Why a call did not give what it should, in the words of the record. The agent sees less (``ToolResult/text``).
public struct ToolError: Error, Sendable, Hashable {
    /// `unknown_tool`, `invalid_json`, `invalid_args`, `not_run`, `plugin_bug`, `limit`, `mcp_…` of a foreign server's tool, or
    /// what the plugin or a host function raised.
    public var code: String
    public var message: String
    /// What the plugin said beside it, where in the plugin it happened, and what the plugin had asked of the host.
    public var cause: JSONObject = [:]

    public init(code: String, message: String, cause: JSONObject = [:]) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    var json: JSONValue {
        var object: JSONObject = ["code": .string(code), "message": .string(message)]
        for (key, value) in cause { object[key] = value }
        return .object(object)
    }
}
