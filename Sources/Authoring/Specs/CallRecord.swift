import JSON
import Plugins

/// One call of the plugin in a spec, with all that it asked of the host.
public struct CallRecord: Sendable {
    public var function: String
    public var arguments: JSONValue
    public var result: Result<JSONValue, PluginError>
    public var hostCalls: [HostCall]

    /// Members that differ from run to run without anybody's fault.
    static let volatile: Set<String> = ["wall_ms", "pid"]

    /// What two runs must have in common, byte for byte.
    var essence: JSONValue {
        var object: JSONObject = ["function": .string(function), "arguments": arguments]
        object["host_calls"] = .array(hostCalls.map(\.essence))
        switch result {
        case .success(let value): object["result"] = value
        case .failure(let error): object["error"] = ["code": .string(error.code), "message": .string(error.message)]
        }
        return JSONValue.object(object).withoutVolatile
    }
}

extension HostCall {
    var essence: JSONValue {
        var object: JSONObject = ["call": .string(function), "arguments": arguments]
        object["result"] = result
        if let errorCode { object["error"] = ["code": .string(errorCode), "message": .string(errorMessage ?? "")] }
        return JSONValue.object(object).withoutVolatile
    }
}

extension JSONValue {
    var withoutVolatile: JSONValue {
        switch self {
        case .array(let elements): .array(elements.map(\.withoutVolatile))
        case .object(let object):
            .object(
                JSONObject(
                    object.members.filter { !CallRecord.volatile.contains($0.key) }
                        .map { ($0.key, $0.value.withoutVolatile) }))
        default: self
        }
    }
}
