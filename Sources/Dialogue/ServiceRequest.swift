import JSON
import Lua

/// The one table that a service of the run takes, with errors that name the member.
struct ServiceRequest: Sendable {
    let function: String
    private let value: LuaValue

    init(_ function: String, _ value: LuaValue, known: [String]) throws(LuaHostError) {
        self.function = function
        self.value = value
        for member in value.object ?? [] {
            let name = String(decoding: member.key, as: UTF8.self)
            guard !known.contains(name) else { continue }
            throw LuaHostError(
                "E_ARGUMENT", "\(function) has no member \"\(name)\"\(Suggestion.question(for: name, among: known))")
        }
    }

    subscript(name: String) -> LuaValue? {
        guard let member = value[name], !member.isNull else { return nil }
        return member
    }

    private func wrong(_ name: String, _ expected: String) -> LuaHostError {
        LuaHostError(
            "E_ARGUMENT", "\"\(name)\" of \(function) must be \(expected), not \(self[name]?.typeName ?? "nil")")
    }

    func text(_ name: String) throws(LuaHostError) -> String {
        guard let text = self[name]?.string, text.nonBlank != nil else { throw wrong(name, "a text that is not empty") }
        return text
    }

    func textIfGiven(_ name: String) throws(LuaHostError) -> String? {
        guard let value = self[name] else { return nil }
        guard let text = value.string else { throw wrong(name, "a string") }
        return text.nonBlank
    }

    func bool(_ name: String) throws(LuaHostError) -> Bool {
        guard let value = self[name] else { return false }
        guard let flag = value.bool else { throw wrong(name, "true or false") }
        return flag
    }

    func number(_ name: String) throws(LuaHostError) -> Double? {
        guard let value = self[name] else { return nil }
        guard let number = value.double else { throw wrong(name, "a number") }
        return number
    }

    func integer(_ name: String, _ range: ClosedRange<Int>) throws(LuaHostError) -> Int? {
        guard let value = self[name] else { return nil }
        guard let number = value.int, range.contains(number) else {
            throw wrong(name, "an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// `headers`, over `usual` ones, none of which a plugin may use to look like somebody else's connection.
    func headers(
        under usual: [(name: String, value: String)]
    ) throws(LuaHostError) -> [(name: String, value: String)] {
        var headers = usual
        for member in self["headers"]?.object ?? [] {
            let name = String(decoding: member.key, as: UTF8.self)
            guard let value = member.value.string else { throw wrong("headers", "a table of strings") }
            let hopByHop = [
                "host", "connection", "content-length", "transfer-encoding", "proxy-authorization", "upgrade",
            ]
            guard !hopByHop.contains(name.lowercased()) else {
                throw LuaHostError("E_ARGUMENT", "the header \(name) cannot be set")
            }
            headers.removeAll { $0.name.lowercased() == name.lowercased() }
            headers.append((name, value))
        }
        return headers
    }
}
