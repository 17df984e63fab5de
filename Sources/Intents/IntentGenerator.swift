import Basics
import Hashing
import JSON

/// Makes intents: draws who asks for what, lets the plugins fill in values and words, checks the result and turns away what
/// has been there before. Intent number n of a seed is the same however many are made.
public struct IntentGenerator: Sendable {
    private let author: any IntentAuthor
    private let seed: UInt64
    private let attempts: Int
    private var sampler: IntentSampler
    private var seenTexts: Set<String> = []
    private var usedIDs: Set<String> = []
    /// Texts that were made and turned away, because they were no news or lacked a value.
    public private(set) var rejected = 0

    /// - Throws: `.pool` when the rules or the pools are of no use.
    public init(
        pools: IntentPools, author: any IntentAuthor, rules: SamplingRules = .standard, seed: UInt64
    ) throws(IntentError) {
        self.author = author
        self.seed = seed
        attempts = max(1, rules.attempts)
        sampler = try IntentSampler(pools: pools, rules: rules, seed: seed)
    }

    /// The next intent.
    /// - Throws: `.plugin` when a plugin fails, `.exhausted` when every attempt gave a text that could not be used.
    public mutating func next() async throws(IntentError) -> IntentRecord {
        guard let draw = sampler.next() else { throw IntentError(.pool, "the pools are empty") }
        var fault = ""
        for attempt in 0..<attempts {
            let candidate = try await write(draw, attempt: attempt)
            if let missing = candidate.missingValue {
                fault = missing
            } else if !seenTexts.insert(candidate.text).inserted {
                fault = "it has the same text as an earlier one"
            } else {
                return record(of: draw, candidate)
            }
            rejected += 1
        }
        throw IntentError(
            .exhausted,
            "intent \(draw.index) (counted from 0) could not be used \(attempts) times in a row, the last time because \(fault); "
                + "ask for fewer intents, or give the domains \(draw.parts.map(\.domain.name).joined(separator: ", ")) more varied values"
        )
    }

    /// The first `count` intents of a seed, from the pools that `author` works with.
    public static func records(
        _ count: Int, author: PluginAuthor, rules: SamplingRules = .standard, seed: UInt64
    ) async throws(IntentError) -> [IntentRecord] {
        var generator = try IntentGenerator(pools: author.pools, author: author, rules: rules, seed: seed)
        var records: [IntentRecord] = []
        for _ in 0..<count {
            guard !Task.isCancelled else { throw IntentError(.cancelled, "the drawing of intents was cancelled") }
            records.append(try await generator.next())
        }
        return records
    }

    private struct Candidate {
        var text: String
        var tasks: [TaskInstance]
        var textSeed: UInt64

        var missingValue: String? { TextValidation.fault(in: text, of: tasks) }
    }

    private func write(_ draw: IntentDraw, attempt: Int) async throws(IntentError) -> Candidate {
        var random = SeededRandom(seed: seed, purpose: "values \(attempt)", index: UInt64(draw.index))
        var tasks: [TaskInstance] = []
        for part in draw.parts {
            for task in part.tasks {
                let instance = try await author.instantiate(
                    task.name, domain: part.domain.name, persona: draw.persona.persona, seed: random.nextSeed())
                tasks.append(instance)
            }
        }
        let textSeed = random.nextSeed()
        let text = try await author.compose(tasks.map(\.request), persona: draw.persona, seed: textSeed)
        return Candidate(text: text.trimmed, tasks: tasks, textSeed: textSeed)
    }

    private mutating func record(of draw: IntentDraw, _ candidate: Candidate) -> IntentRecord {
        let origin = IntentOrigin(
            seed: seed, index: draw.index, personas: draw.persona.pool,
            tasks: candidate.tasks.map { .init(domain: $0.domain, task: $0.task, seed: $0.seed) })
        let id = unusedID(for: candidate.text)
        return IntentRecord(id: id, draw: draw, text: candidate.text, origin: origin)
    }

    /// Eight digits are few: among 50,000 intents one pair in three pools would share an id, so the later one is renamed.
    private mutating func unusedID(for text: String) -> String {
        var salt = 0
        while true {
            let id = "intent_" + ContentHash(of: salt == 0 ? text : "\(salt)\n\(text)").hex.prefix(8)
            if usedIDs.insert(id).inserted { return id }
            salt += 1
        }
    }
}

extension IntentRecord {
    /// The record of a drawn intent, its keys in the order of the published pools, `ise` last.
    init(id: String, draw: IntentDraw, text: String, origin: IntentOrigin) {
        let tasks = draw.parts.flatMap(\.tasks)
        func uuids(_ names: [String], _ kind: String) -> JSONValue {
            var seen: Set<String> = []
            return JSONValue(names.filter { seen.insert($0).inserted }.map { Digest.uuid("\(kind):\($0)") })
        }
        let domains: [JSONValue] = draw.parts.map { part in
            [
                "name": .string(part.domain.name), "description": .string(part.domain.description),
                "selected_tasks": .array(
                    part.tasks.map { ["name": .string($0.name), "description": .string($0.description)] }),
            ]
        }
        let value: JSONObject = [
            "id": .string(id),
            "natural_language_intent": .string(text),
            "domains": JSONValue(draw.parts.map(\.domain.id)),
            "tasks": JSONValue(tasks.map(\.id)),
            "persona_id": .string(draw.persona.persona.id),
            "tools_used": uuids(tasks.flatMap(\.tools), "tool"),
            "skills_used": uuids(tasks.flatMap(\.skills), "skill"),
            "complexity": .string(draw.complexity.name),
            "metadata": ["persona": draw.persona.persona.recordValue, "domains": .array(domains)],
            IntentOrigin.key: origin.value,
        ]
        self.init(id: id, kind: .intent, value: value)
    }
}
