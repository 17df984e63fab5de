/// How many domains and tasks an intent of some complexity has, and how often that complexity comes.
public struct ComplexityRule: Sendable, Hashable {
    /// The word in the record.
    public var name: String
    /// Share of the pool, relative to the weights of the other rules.
    public var weight: Int
    public var domains: ClosedRange<Int>
    public var tasks: ClosedRange<Int>

    public init(name: String, weight: Int, domains: ClosedRange<Int>, tasks: ClosedRange<Int>) {
        self.name = name
        self.weight = weight
        self.domains = domains
        self.tasks = tasks
    }
}

/// The shape of the pool. The standard rules give the published means of 2.35 domains and 4.40 tasks.
public struct SamplingRules: Sendable, Hashable {
    public var complexities: [ComplexityRule]
    /// How often the values of an intent are drawn again when its text has been seen before or fails validation.
    public var attempts = 20

    public init(complexities: [ComplexityRule]) { self.complexities = complexities }

    public static let standard = SamplingRules(complexities: [
        ComplexityRule(name: "simple", weight: 1, domains: 1...1, tasks: 2...3),
        ComplexityRule(name: "medium", weight: 4, domains: 2...3, tasks: 3...4),
        ComplexityRule(name: "complex", weight: 5, domains: 2...3, tasks: 5...6),
    ])
}
