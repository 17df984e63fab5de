import JSON
import TestSupport

@testable import Intents

/// The files beside the tests.
func fixture(_ name: String) throws -> [UInt8] {
    let here = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    return try readFile("/\(here)/Fixtures/\(name)")
}

/// Pools of a given size, without plugins.
func pools(personas: Int = 20, domains: Int = 4, tasks: Int = 6) -> IntentPools {
    let levels = ["Junior", "Mid-level", "Senior", "Expert", "Executive"]
    return IntentPools(
        personas: (0..<personas).map { number in
            let persona: JSONObject = [
                "id": .string("persona-\(number)"), "name": .string("Name \(number)"), "role": "Analyst",
                "industry": "Retail",
                "expertise": ["Reports"], "experience_level": .string(levels[number % levels.count]),
                "communication_style": "Direct", "work_context": "A small shop.", "common_goals": "Order",
            ]
            return PooledPersona(persona: Persona(persona), pool: "office")
        },
        domains: (0..<domains).map { domain in
            Domain(
                id: "domain-\(domain)", name: "domain-\(domain)", description: "Domain \(domain).",
                tasks: (0..<tasks).map {
                    TaskDefinition(
                        id: "task-\(domain)-\($0)", name: "Task \($0)", description: "Do \($0).",
                        tools: ["exec", "read"])
                })
        })
}

/// Writes tasks and texts by simple rules. `variety` is the number of different values that a task can have.
struct PlainAuthor: IntentAuthor {
    var variety = 1_000_000
    var forgetsValues = false

    func instantiate(
        _ task: String, domain: String, persona: Persona, seed: UInt64
    ) async throws(IntentError) -> TaskInstance {
        let number = Int(seed % UInt64(variety))
        let value: JSONValue = [
            "task": .string(task), "values": ["number": .int(number), "path": .string("data/\(task).csv")],
            "request": .string("add \(number) to data/\(task).csv of \(domain)"),
            "stages": [["id": "only", "ask": ["brief": "Go.", "full": "Please go."]]],
            "goals": [["kind": "file_exists", "path": .string("data/\(task).csv")]],
        ]
        return try TaskInstance(domain: domain, task: task, seed: seed, value: value)
    }

    func compose(_ requests: [String], persona: PooledPersona, seed: UInt64) async throws(IntentError) -> String {
        forgetsValues ? "Do as always." : "I am \(persona.persona.name). " + requests.joined(separator: ", then ") + "."
    }
}
