import JSON

extension LuaValue {
    /// With `droppingNulls` the null members of objects are left out, so that Lua sees nil for them instead of
    /// json.null; the nulls in arrays stay.
    public init(_ json: JSONValue, droppingNulls: Bool = false) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .int(value)
        case .double(let value): self = .double(value)
        case .string(let text): self = .string(text)
        case .array(let elements): self = .array(elements.map { LuaValue($0, droppingNulls: droppingNulls) })
        case .object(let object):
            var members: [Member] = []
            members.reserveCapacity(object.count)
            for member in object.members where !(droppingNulls && member.value.isNull) {
                members.append(Member(member.key, LuaValue(member.value, droppingNulls: droppingNulls)))
            }
            self = .object(members)
        }
    }

    /// Bytes are read as UTF-8; what is not UTF-8 becomes U+FFFD.
    public var json: JSONValue {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .double(let value): .double(value)
        case .bytes(let bytes): .string(String(decoding: bytes, as: UTF8.self))
        case .array(let elements): .array(elements.map(\.json))
        case .object(let members):
            .object(JSONObject(members.map { (String(decoding: $0.key, as: UTF8.self), $0.value.json) }))
        }
    }
}
