import JSON
import Testing

@testable import Intents

@Suite struct SamplerTests {
    private func draws(_ count: Int, seed: UInt64 = 7, from pools: IntentPools = pools()) throws -> [IntentDraw] {
        Array(try IntentSampler(pools: pools, seed: seed).prefix(count))
    }

    private func counts<Key: Hashable>(_ keys: some Sequence<Key>) -> [Key: Int] {
        keys.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    @Test func `complexities come in the published shares, with their ranges`() throws {
        let draws = try draws(1000)
        #expect(counts(draws.map(\.complexity.name)) == ["simple": 100, "medium": 400, "complex": 500])
        for draw in draws {
            #expect(draw.complexity.domains.contains(draw.parts.count))
            #expect(draw.complexity.tasks.contains(draw.parts.map(\.tasks.count).reduce(0, +)))
        }
    }

    @Test func `the means of domains and tasks are the published ones`() throws {
        let draws = try draws(1000)
        let domains = draws.map(\.parts.count).reduce(0, +)
        let tasks = draws.flatMap(\.parts).map(\.tasks.count).reduce(0, +)
        #expect(abs(Double(domains) / 1000 - 2.35) < 0.01)
        #expect(abs(Double(tasks) / 1000 - 4.40) < 0.01)
    }

    @Test func `every axis is level over many draws`() throws {
        let draws = try draws(1000)
        let personas = counts(draws.map(\.persona.persona.id))
        #expect(personas.count == 20 && Set(personas.values) == [50])
        let domains = counts(draws.flatMap(\.parts).map(\.domain.id))
        #expect(domains.count == 4)
        #expect((domains.values.max() ?? 0) - (domains.values.min() ?? 0) <= 2)
        let tasks = counts(draws.flatMap(\.parts).flatMap(\.tasks).map(\.id))
        #expect(tasks.count == 24)
        #expect(chiSquare(tasks.values, expected: 4400.0 / 24) < 10)
    }

    /// Pearson's statistic; 23 degrees of freedom give 23 on average for independent draws, a stratified sample far less.
    private func chiSquare(_ counts: some Sequence<Int>, expected: Double) -> Double {
        counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    }

    @Test func `a dozen draws are balanced too`() throws {
        for seed in 0..<20 as Range<UInt64> {
            let draws = try draws(12, seed: seed)
            let complexities = counts(draws.map(\.complexity.name))
            #expect((1...3).contains(complexities["simple"] ?? 0))
            #expect((4...6).contains(complexities["medium"] ?? 0))
            #expect((5...7).contains(complexities["complex"] ?? 0))
            #expect(counts(draws.map(\.persona.persona.id)).values.allSatisfy { $0 == 1 })
            let domains = counts(draws.flatMap(\.parts).map(\.domain.id))
            #expect((domains.values.max() ?? 0) - (domains.values.min() ?? 0) <= 2)
        }
    }

    @Test func `persona and complexity are drawn independently`() throws {
        let pairs = counts(try draws(4000).map { "\($0.complexity.name) \($0.persona.persona.id)" })
        for (pair, count) in pairs {
            let expected = pair.hasPrefix("simple") ? 20.0 : pair.hasPrefix("medium") ? 80 : 100
            #expect(abs(Double(count) - expected) < 5 * expected.squareRoot(), "\(pair): \(count)")
        }
    }

    @Test func `the first draws don't depend on how many follow, but on the seed`() throws {
        #expect(try draws(12) == Array(try draws(200).prefix(12)))
        #expect(try draws(12, seed: 7) != draws(12, seed: 8))
    }

    @Test func `no intent has a task twice, and each chosen domain has a task`() throws {
        for draw in try draws(500) {
            let tasks = draw.parts.flatMap(\.tasks).map(\.id)
            #expect(Set(tasks).count == tasks.count)
            #expect(draw.parts.allSatisfy { !$0.tasks.isEmpty })
        }
    }

    @Test func `ranges shrink to what the pools have`() throws {
        for draw in try draws(100, from: pools(personas: 1, domains: 2, tasks: 2)) {
            #expect(draw.parts.count == (draw.complexity.name == "simple" ? 1 : 2))
            #expect(draw.parts.allSatisfy { $0.tasks.count <= 2 })
        }
    }

    @Test func `empty pools say what to add`() throws {
        let noPersona = try #require(throws: IntentError.self) { try draws(1, from: pools(personas: 0)) }
        #expect(noPersona.message.contains("plugins/personas/"))
        let noTask = try #require(throws: IntentError.self) { try draws(1, from: pools(tasks: 0)) }
        #expect(noTask.message.contains("plugins/domains/"))
    }
}

@Suite struct SeededRandomTests {
    @Test func `seed, purpose and index each give another sequence`() {
        func first(_ seed: UInt64, _ purpose: String, _ index: UInt64) -> [UInt64] {
            var random = SeededRandom(seed: seed, purpose: purpose, index: index)
            return (0..<4).map { _ in random.next() }
        }
        #expect(first(7, "task", 1) == first(7, "task", 1))
        #expect(Set([first(7, "task", 1), first(8, "task", 1), first(7, "text", 1), first(7, "task", 2)]).count == 4)
    }

    /// Pins the algorithm: pools made with an earlier version must come out the same.
    @Test func `the numbers stay what they are`() {
        var random = SeededRandom(seed: 7, purpose: "persona", index: 3)
        #expect(
            (0..<3).map { _ in random.next() } == [
                10_990_986_993_246_931_753, 5_263_580_272_023_519_743, 11_397_043_240_711_012_745,
            ])
        #expect((0..<8).map { _ in random.below(10) } == [7, 5, 3, 3, 1, 4, 4, 0])
    }

    @Test func `every number below a bound is equally likely`() {
        var random = SeededRandom(seed: 1, purpose: "test")
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[random.below(7)] += 1 }
        #expect(counts.allSatisfy { abs($0 - 10_000) < 400 })
    }

    @Test func `a shuffle keeps the elements and favours no place`() {
        var random = SeededRandom(seed: 1, purpose: "test")
        var sums = [Int](repeating: 0, count: 5)
        for _ in 0..<10_000 {
            var cards = [0, 1, 2, 3, 4]
            random.shuffle(&cards)
            #expect(cards.sorted() == [0, 1, 2, 3, 4])
            for place in cards.indices { sums[place] += cards[place] }
        }
        #expect(sums.allSatisfy { abs($0 - 20_000) < 700 })
    }
}
