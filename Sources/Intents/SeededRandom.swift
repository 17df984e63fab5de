/// Random numbers that depend on nothing but a seed, a purpose and an index: intent 7 of a pool is the same whether it is
/// drawn first or last, alone or among thousands, by one thread or many.
///
/// The generator is SplitMix64 (Steele, Lea, Flood 2014): the n-th number is `mix(key + n * gamma)`, a counter put through
/// a mixing function. The key is the seed, the FNV-1a hash of the purpose and the index, each mixed in turn. Ranges and
/// shuffles are done here and not by the standard library, which doesn't promise to keep its ways.
public struct SeededRandom: Sendable, RandomNumberGenerator {
    private var counter: UInt64

    public init(seed: UInt64, purpose: String, index: UInt64 = 0) {
        let named = Self.mix(seed) ^ Self.hash(purpose)
        counter = Self.mix(Self.mix(named) ^ index)
    }

    public mutating func next() -> UInt64 {
        counter &+= Self.gamma
        return Self.mix(counter)
    }

    /// A number from 0 to `bound - 1`, each equally likely (Lemire's method). `bound` must be positive.
    public mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "a range to draw from must not be empty")
        let bound = UInt64(bound)
        let threshold = (0 &- bound) % bound
        while true {
            let product = next().multipliedFullWidth(by: bound)
            if product.low >= threshold { return Int(product.high) }
        }
    }

    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        for last in stride(from: elements.count - 1, to: 0, by: -1) {
            elements.swapAt(last, below(last + 1))
        }
    }

    /// A seed for someone else. It has 53 bits, so that it survives readers of JSON that know doubles only.
    public mutating func nextSeed() -> UInt64 { next() >> 11 }

    private static let gamma: UInt64 = 0x9E37_79B9_7F4A_7C15

    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }
}
