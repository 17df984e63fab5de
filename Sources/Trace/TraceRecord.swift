import JSON

/// One event as it stands in a trace.
public struct TraceRecord: Sendable, Equatable {
    /// From 1.
    public var line: Int
    public var sequence: Int
    public var time: Timestamp
    /// As written; `kind` is nil for one that this version does not know.
    public var type: String
    public var turn: Int?
    public var parent: Int?
    public var previous: ContentHash
    /// Everything but the fields above.
    public var payload: JSONObject

    public var kind: TraceEvent.Kind? { TraceEvent.Kind(rawValue: type) }

    public subscript(key: String) -> JSONValue? { payload[key] }

    /// Why a line is no event.
    struct Malformed: Error {
        var reason: String
    }

    init(line: Int, bytes: [UInt8]) throws(Malformed) {
        let object = try Self.parse(bytes)
        func missing(_ field: String, _ expected: String) -> Malformed {
            Malformed(reason: "its \"\(field)\" is not \(expected)")
        }
        guard let sequence = object["seq"]?.int else { throw missing("seq", "an integer") }
        guard let time = object["time"]?.string.flatMap(Timestamp.init(rfc3339:)) else {
            throw missing("time", "a time")
        }
        guard let type = object["type"]?.string else { throw missing("type", "a string") }
        guard let previous = object["prev"]?.string.flatMap({ ContentHash(hexDigits: Array($0.utf8)[...]) }) else {
            throw missing("prev", "64 lower-case hexadecimal digits")
        }
        for field in ["turn", "parent"] where object[field].map({ $0.isNull || $0.int != nil }) != true {
            throw missing(field, "an integer or null")
        }
        self.line = line
        self.sequence = sequence
        self.time = time
        self.type = type
        self.previous = previous
        turn = object["turn"]?.int
        parent = object["parent"]?.int
        payload = JSONObject(
            object.members.filter { !TraceFormat.reservedKeys.contains($0.key) }.map { ($0.key, $0.value) })
    }

    private static func parse(_ bytes: [UInt8]) throws(Malformed) -> JSONObject {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw Malformed(reason: "it is no JSON: \(error.reason) at byte \(error.offset + 1)")
        }
        guard case .object(let object) = value else { throw Malformed(reason: "it is no JSON object") }
        return object
    }
}
