import JSON
import Plugins

/// A call by hand, for people and programs.
public struct CallReport: Sendable {
    private let outcome: PluginCall.Outcome

    public init(_ outcome: PluginCall.Outcome) { self.outcome = outcome }

    public var isFailure: Bool {
        switch outcome.record.result {
        case .failure: true
        case .success(let value): value["failed"]?.bool == true
        }
    }

    public var json: JSONValue {
        let record = outcome.record
        var object: JSONObject = ["function": .string(record.function), "arguments": record.arguments]
        object["host_calls"] = .array(
            record.hostCalls.map { call in
                var value: JSONObject = ["call": .string(call.function), "arguments": call.arguments]
                value["result"] = call.result
                value["error"] = call.errorCode.map {
                    ["code": .string($0), "message": .string(call.errorMessage ?? "")]
                }
                value["wall_ms"] = .int(Int(call.wall / .milliseconds(1)))
                return .object(value)
            })
        switch record.result {
        case .success(let value): object["result"] = value
        case .failure(let error): object["error"] = Self.json(error)
        }
        if !outcome.log.isEmpty { object["log"] = JSONValue(outcome.log) }
        object["wall_ms"] = .int(Int(outcome.wall / .milliseconds(1)))
        return .object(object)
    }

    private static func json(_ error: PluginError) -> JSONValue {
        var object: JSONObject = [
            "code": .string(error.code), "message": .string(error.message),
            "model_message": .string(error.modelMessage),
        ]
        object["details"] = error.details
        object["file"] = error.file.map { .string($0) }
        object["line"] = error.line.map { .int($0) }
        object["traceback"] = error.traceback.map { .string($0) }
        return .object(object)
    }

    public var text: String {
        var lines = outcome.record.hostCalls.map { call in
            let arguments = (call.arguments.array ?? []).map { Self.short($0, 60) }.joined(separator: ", ")
            let answer =
                call.errorCode.map { "\($0): \(call.errorMessage ?? "")" } ?? Self.short(call.result ?? .null, 100)
            return "\(call.function)(\(arguments)) → \(answer)  \(Int(call.wall / .milliseconds(1))) ms"
        }
        lines += outcome.log.map { "log \($0)" }
        if !lines.isEmpty { lines.append("") }
        switch outcome.record.result {
        case .success(let value): lines += Self.lines(of: value)
        case .failure(let error):
            lines.append("\(error.code): \(error.description)")
            if error.code == "plugin_bug" || error.code == "limit" { lines += [error.traceback].compactMap(\.self) }
            lines.append("the model sees: \(error.modelMessage)")
        }
        return lines.joined(separator: "\n")
    }

    private static func lines(of value: JSONValue) -> [String] {
        guard let text = value["text"]?.string else { return [value.string ?? value.pretty] }
        var rest = value.object ?? JSONObject()
        rest["text"] = nil
        return [text] + (rest.isEmpty ? [] : [JSONValue.object(rest).compact])
    }

    private static func short(_ value: JSONValue, _ limit: Int) -> String {
        let text = value.compact
        return text.count <= limit ? text : "\(text.prefix(limit - 1))…"
    }
}
