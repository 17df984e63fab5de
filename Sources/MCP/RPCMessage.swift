import JSON

/// One JSON-RPC 2.0 message, its form checked.
public enum RPCMessage: Sendable, Hashable {
    case request(id: RPCIdentifier, method: String, params: JSONObject)
    case notification(method: String, params: JSONObject)
    case response(id: RPCIdentifier?, Result<JSONValue, RPCError>)
    /// Neither: it gets an error as its answer, under its id as far as that can be told.
    case invalid(id: RPCIdentifier?, reason: String)

    public init(_ value: JSONValue) {
        guard let object = value.object else {
            self = .invalid(id: nil, reason: "a message is a JSON object, this is \(value.typeName)")
            return
        }
        let id = object["id"].flatMap(RPCIdentifier.init)
        guard object["jsonrpc"]?.string == "2.0" else {
            self = .invalid(id: id, reason: "\"jsonrpc\" must be \"2.0\"")
            return
        }
        guard let method = object["method"] else {
            self = Self.response(object, id)
            return
        }
        guard let name = method.string else {
            self = .invalid(id: id, reason: "\"method\" must be a string, not \(method.typeName)")
            return
        }
        guard let params = Self.params(object["params"]) else {
            self = .invalid(id: id, reason: "\"params\" must be an object")
            return
        }
        guard let given = object["id"] else {
            self = .notification(method: name, params: params)
            return
        }
        guard let id else {
            self = .invalid(id: nil, reason: "\"id\" must be a string or an integer, not \(given.typeName)")
            return
        }
        self = .request(id: id, method: name, params: params)
    }

    /// Clients in the field send null where they mean nothing.
    private static func params(_ value: JSONValue?) -> JSONObject? {
        guard let value, !value.isNull else { return [:] }
        return value.object
    }

    private static func response(_ object: JSONObject, _ id: RPCIdentifier?) -> RPCMessage {
        if let error = object["error"] {
            let code = error["code"]?.int ?? RPCError.internalError
            return .response(
                id: id, .failure(RPCError(code, error["message"]?.string ?? "no message", data: error["data"])))
        }
        guard let result = object["result"] else {
            return .invalid(id: id, reason: "there is no \"method\", no \"result\" and no \"error\"")
        }
        return .response(id: id, .success(result))
    }
}

/// What ties an answer to its request.
public enum RPCIdentifier: Sendable, Hashable {
    case number(Int)
    case string(String)

    public init?(_ value: JSONValue) {
        switch value {
        case .string(let text): self = .string(text)
        default:
            guard let number = value.int else { return nil }
            self = .number(number)
        }
    }

    public var json: JSONValue {
        switch self {
        case .number(let number): .int(number)
        case .string(let text): .string(text)
        }
    }
}

/// An error as JSON-RPC has it: something is wrong with the request itself. What goes wrong in a tool is a result.
public struct RPCError: Error, Sendable, Hashable, CustomStringConvertible {
    public var code: Int
    public var message: String
    public var data: JSONValue?

    public init(_ code: Int, _ message: String, data: JSONValue? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }

    public static let parseError = -32700
    public static let invalidRequest = -32600
    public static let methodNotFound = -32601
    public static let invalidParams = -32602
    public static let internalError = -32603
    /// Of the range that servers may use as they like.
    public static let busy = -32000

    public var description: String { "\(message) (\(code))" }

    public var json: JSONValue {
        var json: JSONValue = ["code": .int(code), "message": .string(message)]
        json["data"] = data
        return json
    }
}

/// Messages as they are sent.
enum RPC {
    static func request(_ id: RPCIdentifier, _ method: String, _ params: JSONValue) -> JSONValue {
        ["jsonrpc": "2.0", "id": id.json, "method": .string(method), "params": params]
    }

    static func notification(_ method: String, _ params: JSONValue? = nil) -> JSONValue {
        var message: JSONValue = ["jsonrpc": "2.0", "method": .string(method)]
        message["params"] = params
        return message
    }

    static func result(_ id: RPCIdentifier, _ result: JSONValue) -> JSONValue {
        ["jsonrpc": "2.0", "id": id.json, "result": result]
    }

    static func error(_ id: RPCIdentifier?, _ error: RPCError) -> JSONValue {
        ["jsonrpc": "2.0", "id": id?.json ?? .null, "error": error.json]
    }
}
