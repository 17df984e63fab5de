import JSON
import Lua

/// The arguments of one host call, with errors that name the argument.
struct HostArguments: Sendable {
    let function: String
    let values: [LuaValue]

    init(_ function: String, _ values: [LuaValue]) {
        self.function = function
        self.values = values
    }

    subscript(index: Int) -> LuaValue { index < values.count ? values[index] : .null }

    func wrong(_ index: Int, _ expected: String) -> LuaHostError {
        LuaHostError(
            "E_ARGUMENT", "argument #\(index + 1) of \(function) must be \(expected), not \(self[index].typeName)")
    }

    func bytes(_ index: Int) throws(LuaHostError) -> [UInt8] {
        switch self[index] {
        case .bytes(let bytes): return bytes
        case .int(let number): return Array(String(number).utf8)
        case .double(let number): return Array(number.description.utf8)
        default: throw wrong(index, "a string")
        }
    }

    func string(_ index: Int) throws(LuaHostError) -> String { String(decoding: try bytes(index), as: UTF8.self) }

    /// Any value, for people.
    func text(_ index: Int) -> String {
        switch self[index] {
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case let value: value.json.compact
        }
    }

    /// The table of options at `index`, in which only the names may stand that the reference has for the function.
    func options(_ index: Int) throws(LuaHostError) -> HostOptions {
        try options(index, known: HostReference.options(of: function))
    }

    /// The table of options at `index`, in which only `known` names may stand.
    func options(_ index: Int, known: [String]) throws(LuaHostError) -> HostOptions {
        guard !self[index].isNull else { return HostOptions(function: function, members: []) }
        if self[index].array?.isEmpty == true { return HostOptions(function: function, members: []) }
        guard let members = self[index].object else { throw wrong(index, "a table of options") }
        for member in members {
            let name = String(decoding: member.key, as: UTF8.self)
            guard !known.contains(name) else { continue }
            throw LuaHostError(
                "E_ARGUMENT", "\(function) has no option \"\(name)\"\(Suggestion.question(for: name, among: known))")
        }
        return HostOptions(function: function, members: members)
    }
}

/// Named options of a host call.
struct HostOptions: Sendable {
    let function: String
    let members: [LuaValue.Member]

    subscript(name: String) -> LuaValue? {
        guard let value = members.first(where: { $0.key.elementsEqual(name.utf8) })?.value, !value.isNull else {
            return nil
        }
        return value
    }

    func wrong(_ name: String, _ expected: String) -> LuaHostError {
        LuaHostError(
            "E_ARGUMENT", "option \"\(name)\" of \(function) must be \(expected), not \(self[name]?.typeName ?? "nil")")
    }

    func string(_ name: String) throws(LuaHostError) -> String? {
        guard let value = self[name] else { return nil }
        guard let text = value.string else { throw wrong(name, "a string") }
        return text
    }

    func bytes(_ name: String) throws(LuaHostError) -> [UInt8]? {
        guard let value = self[name] else { return nil }
        guard let bytes = value.bytes else { throw wrong(name, "a string") }
        return bytes
    }

    func bool(_ name: String) throws(LuaHostError) -> Bool {
        guard let value = self[name] else { return false }
        guard let bool = value.bool else { throw wrong(name, "true or false") }
        return bool
    }

    func integer(_ name: String, _ range: ClosedRange<Int>) throws(LuaHostError) -> Int? {
        guard let value = self[name] else { return nil }
        guard let number = value.int, range.contains(number) else {
            throw wrong(name, "an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
