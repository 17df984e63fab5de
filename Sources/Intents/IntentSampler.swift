/// One draw: who asks, how much, and for what. It has no values and no text yet.
public struct IntentDraw: Sendable, Hashable {
    public struct Part: Sendable, Hashable {
        public var domain: Domain
        public var tasks: [TaskDefinition]
    }

    /// Place in the pool, from 0.
    public var index: Int
    public var persona: PooledPersona
    public var complexity: ComplexityRule
    /// The domains with their chosen tasks, both in the order in which they are to be done.
    public var parts: [Part]
}

/// Draws persona, complexity, domains and tasks, each axis from a deck and a random stream of its own: the axes are
/// independent, the marginals balanced, and the first n draws are the same whatever the number of draws.
///
/// Ranges that the pools cannot fill shrink to what is there: with two domains loaded, "2 to 3 domains" means two.
public struct IntentSampler: Sendable, Sequence, IteratorProtocol {
    private let pools: IntentPools
    private var index = 0
    private var personas: Deck<PooledPersona>
    private var complexities: Deck<ComplexityRule>
    private var domainCounts: [ComplexityRule: Deck<Int>] = [:]
    private var taskCounts: [ComplexityRule: Deck<Int>] = [:]
    private var domains: Deck<Int>
    private var tasks: [Deck<TaskDefinition>]
    private var spread: SeededRandom

    /// - Throws: `.pool` when there is nothing to draw from.
    public init(pools: IntentPools, rules: SamplingRules = .standard, seed: UInt64) throws(IntentError) {
        guard !pools.personas.isEmpty else {
            throw IntentError(.pool, "no persona is loaded; put a persona plugin into plugins/personas/")
        }
        guard !pools.domains.isEmpty else {
            throw IntentError(.pool, "no domain with tasks is loaded; put a domain plugin into plugins/domains/")
        }
        let rulesInUse = rules.complexities.filter { $0.weight > 0 }
        guard !rulesInUse.isEmpty, rulesInUse.allSatisfy({ $0.domains.lowerBound > 0 && $0.tasks.lowerBound > 0 })
        else {
            throw IntentError(
                .pool, "the sampling rules name no complexity with a positive weight, domain and task count")
        }
        func random(_ purpose: String, _ index: Int = 0) -> SeededRandom {
            SeededRandom(seed: seed, purpose: purpose, index: UInt64(index))
        }
        self.pools = pools
        personas = Deck(pools.personas, random: random("persona"))
        complexities = Deck(Self.cards(rulesInUse), random: random("complexity"))
        domains = Deck(Array(pools.domains.indices), random: random("domain"))
        tasks = pools.domains.enumerated().map { Deck($1.tasks, random: random("task", $0)) }
        spread = random("spread")
        for (place, rule) in rulesInUse.enumerated() {
            domainCounts[rule] = Deck(Array(rule.domains), random: random("domain count", place))
            taskCounts[rule] = Deck(Array(rule.tasks), random: random("task count", place))
        }
    }

    public mutating func next() -> IntentDraw? {
        defer { index += 1 }
        let complexity = complexities.draw()
        let wantedDomains = domainCounts[complexity]?.draw() ?? 1
        let wantedTasks = taskCounts[complexity]?.draw() ?? 1
        let chosen = drawDomains(Swift.min(wantedDomains, wantedTasks))
        let counts = shares(of: wantedTasks, among: chosen.map { pools.domains[$0].tasks.count })
        let parts = zip(chosen, counts).map { domain, count in
            IntentDraw.Part(domain: pools.domains[domain], tasks: drawTasks(count, of: domain))
        }
        return IntentDraw(index: index, persona: personas.draw(), complexity: complexity, parts: parts)
    }

    /// Each rule as often as its weight says, in lowest terms: 10, 40, 50 make a deck of ten.
    private static func cards(_ rules: [ComplexityRule]) -> [ComplexityRule] {
        func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
        let unit = rules.reduce(0) { divisor($0, $1.weight) }
        return rules.flatMap { Array(repeating: $0, count: $0.weight / unit) }
    }

    private mutating func drawDomains(_ count: Int) -> [Int] {
        var hand: [Int] = []
        while hand.count < count, let domain = domains.draw(notIn: hand) { hand.append(domain) }
        return hand
    }

    private mutating func drawTasks(_ count: Int, of domain: Int) -> [TaskDefinition] {
        var hand: [TaskDefinition] = []
        while hand.count < count, let task = tasks[domain].draw(notIn: hand) { hand.append(task) }
        return hand
    }

    /// Splits `total` into one share a domain: at least one each, the rest at random, none above what the domain has.
    private mutating func shares(of total: Int, among available: [Int]) -> [Int] {
        var shares = available.map { _ in 1 }
        for _ in available.count..<Swift.max(available.count, Swift.min(total, available.reduce(0, +))) {
            let open = shares.indices.filter { shares[$0] < available[$0] }
            shares[open[spread.below(open.count)]] += 1
        }
        return shares
    }
}
