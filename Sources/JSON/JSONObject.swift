/// The members of a JSON object, in order. A key stands once: setting it again replaces the value in its place.
public struct JSONObject: Sendable, Hashable {
    public private(set) var members: [Member] = []
    /// Where each key stands, once there are more than a look along them finds at once: strangers send objects of any size.
    private var places: [String: Int] = [:]

    private static let few = 16

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
        get { place(of: key).map { members[$0].value } }
        set {
            switch (place(of: key), newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil):
                members.remove(at: index)
                notePlaces(from: 0)
            case (nil, let value?):
                members.append(Member(key: key, value: value))
                notePlaces(from: members.count - 1)
            case (nil, nil): break
            }
        }
    }

    private func place(of key: String) -> Int? {
        members.count > Self.few ? places[key] : members.firstIndex { $0.key == key }
    }

    /// After a change of the members from `start` on.
    private mutating func notePlaces(from start: Int) {
        guard members.count > Self.few else { return places = [:] }
        if start == 0 || places.isEmpty {
            places = Dictionary(members.enumerated().map { ($1.key, $0) }) { first, _ in first }
        } else {
            for index in start..<members.count { places[members[index].key] = index }
        }
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
