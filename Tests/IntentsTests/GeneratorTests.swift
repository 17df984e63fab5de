import JSON
import Testing

@testable import Intents

@Suite struct GeneratorTests {
    private func records(
        _ count: Int, author: PlainAuthor = PlainAuthor(), seed: UInt64 = 7, from pools: IntentPools = pools()
    ) async throws -> [IntentRecord] {
        var generator = try IntentGenerator(pools: pools, author: author, seed: seed)
        var records: [IntentRecord] = []
        for _ in 0..<count { records.append(try await generator.next()) }
        return records
    }

    @Test func `a generated record has the keys of the published one in their order, and one more`() async throws {
        let published = try #require(IntentFile(parsing: try fixture("intents.jsonl")).records.first)
        for record in try await records(20) {
            #expect(record.value.keys == published.value.keys + ["ise"])
            #expect(record.metadata?.object?.keys == published.metadata?.object?.keys)
            #expect(record.metadata?["persona"]?.object?.keys == published.metadata?["persona"]?.object?.keys)
            let domain = record.metadata?["domains"]?.array?.first
            #expect(domain?.object?.keys == published.metadata?["domains"]?.array?.first?.object?.keys)
            #expect(domain?["selected_tasks"]?.array?.first?.object?.keys == ["name", "description"])
            #expect(record.id.wholeMatch(of: /intent_[0-9a-f]{8}/) != nil)
            #expect(record.value["domains"]?.array?.count == record.metadata?["domains"]?.array?.count)
            #expect(record.value["tools_used"]?.array?.count == 2)
        }
    }

    @Test func `a generated pool is read back as it was written`() async throws {
        let made = try await records(20)
        let file = IntentFile(parsing: Array(made.map(\.line).joined(separator: [0x0A])))
        #expect(file.problems.isEmpty)
        #expect(file.records == made)
    }

    @Test func `equal seeds give equal pools, and a longer pool starts with the shorter one`() async throws {
        let pool = try await records(30)
        #expect(try await records(12) == Array(pool.prefix(12)))
        #expect(try await records(12, seed: 8) != Array(pool.prefix(12)))
    }

    @Test func `ids and texts are all different`() async throws {
        let pool = try await records(300)
        #expect(Set(pool.map(\.id)).count == 300)
        #expect(Set(pool.map(\.text)).count == 300)
    }

    /// One persona, one task, three values: there are three texts, and no fourth.
    @Test func `a text that has been there is drawn again, until there is no other`() async throws {
        var generator = try IntentGenerator(
            pools: pools(personas: 1, domains: 1, tasks: 1), author: PlainAuthor(variety: 3), seed: 7)
        var texts: Set<String> = []
        for _ in 0..<3 { texts.insert(try await generator.next().text) }
        #expect(texts.count == 3)
        let rejectedBefore = generator.rejected
        let error = try await #require(throws: IntentError.self) { _ = try await generator.next() }
        #expect(error.code == .exhausted)
        #expect(error.message.contains("the same text as an earlier one"))
        #expect(generator.rejected == rejectedBefore + SamplingRules.standard.attempts)
    }

    @Test func `a text that lacks a value of its tasks is not used`() async throws {
        let error = try await #require(throws: IntentError.self) {
            _ = try await records(1, author: PlainAuthor(forgetsValues: true))
        }
        #expect(error.code == .exhausted)
        #expect(error.message.contains("its text lacks number"))
    }

    @Test func `a record that was written and read gives the tasks it was made of`() async throws {
        let restorer = TaskRestorer(pools: pools(), author: PlainAuthor())
        for record in try await records(10) {
            let read = try IntentRecord(line: record.line, number: 1)
            let tasks = try await restorer.tasks(of: read)
            #expect(tasks.count == read.value["tasks"]?.array?.count)
            #expect(tasks.allSatisfy { read.text.contains($0.request) })
            #expect(tasks.allSatisfy { $0.stages.count == 1 && $0.goals.count == 1 })
        }
    }

    @Test func `a record of another maker has no tasks to restore`() async throws {
        let restorer = TaskRestorer(pools: pools(), author: PlainAuthor())
        let record = try #require(IntentFile(parsing: try fixture("intents.jsonl")).records.first)
        #expect(try await restorer.tasks(of: record).isEmpty)
    }

    @Test func `a record whose domain is gone, or has changed, says so`() async throws {
        let record = try await records(1)[0]
        let others = TaskRestorer(pools: IntentPools(personas: [], domains: []), author: PlainAuthor())
        let gone = try await #require(throws: IntentError.self) { _ = try await others.tasks(of: record) }
        #expect(gone.message.contains("which is not loaded"))
        let changed = TaskRestorer(pools: pools(), author: PlainAuthor(variety: 17))
        let error = try await #require(throws: IntentError.self) { _ = try await changed.tasks(of: record) }
        #expect(error.code == .validation)
        #expect(error.message.contains("has changed since the intent was made"))
    }
}

@Suite struct TextValidationTests {
    private func fault(_ text: String, _ values: String) throws -> String? {
        let value: JSONValue = ["values": try JSONValue(parsing: values), "request": "x", "stages": [["id": "a"]]]
        return TextValidation.fault(in: text, of: [try TaskInstance(domain: "d", task: "T", seed: 1, value: value)])
    }

    @Test(arguments: [
        ("write 17 lines", #"{"n": 17}"#), ("to a/b.txt.", #"{"p": "a/b.txt"}"#), ("costs 2.50 or 2.5", #"{"c": 2.5}"#),
        ("exactly 3.0 times", #"{"c": 3.0}"#), ("x, y and 4", #"{"list": ["x", "y", 4]}"#),
        ("anything", #"{"yes": true, "no": null}"#), ("0.3 it is", #"{"c": 0.30000000000000004}"#),
    ])
    func `values that occur are found`(text: String, values: String) throws {
        #expect(try fault(text, values) == nil)
    }

    @Test(arguments: [
        ("in 2017", #"{"n": 17}"#), ("170 times", #"{"n": 17}"#), ("to a/b.tx", #"{"p": "a/b.txt"}"#),
        ("x and 4", #"{"list": ["x", "y", 4]}"#), ("", #"{"p": "a"}"#),
    ])
    func `values that don't occur are named`(text: String, values: String) throws {
        #expect(try #require(try fault(text, values)).hasPrefix("its text lacks"))
    }

    @Test(arguments: [
        #""text""#, #"{"request": "x"}"#, #"{"request": " ", "stages": [{"id": "a"}]}"#,
        #"{"request": "x", "stages": []}"#,
        #"{"request": "x", "stages": [{"id": "a"}, {"id": "a"}]}"#, #"{"request": "x", "stages": [{}]}"#,
    ])
    func `an instance that lacks what it must have is a plugin's fault`(text: String) throws {
        let value = try JSONValue(parsing: text)
        #expect(throws: IntentError.self) { try TaskInstance(domain: "d", task: "T", seed: 1, value: value) }
    }
}
