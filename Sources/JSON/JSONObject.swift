/// The members of a JSON object, in order. A key stands once: setting it again replaces the value in its place.
///
/// Look-up is linear: the objects that pass through here have a few dozen keys.
public struct JSONObject: Sendable, Hashable {
    public private(set) var members: [Member] = []

    public struct Member: Sendable, Hashable {
        public var key: String
        public var value: JSONValue
    }

    public init() {}

    public init(_ pairs: [(String, JSONValue)]) {
        members.reserveCapacity(pairs.count)
        for (key, value) in pairs { self[key] = value }
    }

    public var keys: [String] { members.map(\.key) }
    public var isEmpty: Bool { members.isEmpty }
    public var count: Int { members.count }

    /// Setting nil removes the key.
    public subscript(key: String) -> JSONValue? {
        get { members.first { $0.key == key }?.value }
        set {
            let index = members.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Appends without looking for the key: for a parser that has checked it.
    mutating func append(_ key: String, _ value: JSONValue) {
        members.append(Member(key: key, value: value))
    }

    /// Two objects are equal when their members are, whatever their order.
    public static func == (a: JSONObject, b: JSONObject) -> Bool {
        if a.members == b.members { return true }
        guard a.count == b.count else { return false }
        return a.members.allSatisfy { b[$0.key] == $0.value }
    }

    public func hash(into hasher: inout Hasher) {
        var sum = 0
        for member in members {
            var inner = Hasher()
            member.hash(into: &inner)
            sum ^= inner.finalize()
        }
        hasher.combine(sum)
    }
}

extension JSONObject: Sequence {
    public func makeIterator() -> AnyIterator<(key: String, value: JSONValue)> {
        var index = 0
        let members = members
        return AnyIterator {
            guard index < members.count else { return nil }
            defer { index += 1 }
            return (members[index].key, members[index].value)
        }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
