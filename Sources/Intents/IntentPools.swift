import JSON

/// A task of a domain, before it has values.
public struct TaskDefinition: Sendable, Hashable {
    public let id: String
    /// Two to four words, Title Case: "Count Log Lines".
    public let name: String
    public let description: String
    /// Names of the tools that the task needs.
    public let tools: [String]
    /// Names of the skills that the task needs.
    public let skills: [String]

    public init(id: String, name: String, description: String, tools: [String] = [], skills: [String] = []) {
        self.id = id
        self.name = name
        self.description = description
        self.tools = tools
        self.skills = skills
    }
}

/// A domain and its tasks, as its plugin describes them.
public struct Domain: Sendable, Hashable {
    public let id: String
    /// The name in the record, lower case with hyphens.
    public let name: String
    public let description: String
    public let tasks: [TaskDefinition]

    public init(id: String, name: String, description: String, tasks: [TaskDefinition]) {
        self.id = id
        self.name = name
        self.description = description
        self.tasks = tasks
    }
}

/// A persona and the plugin that knows how it writes.
public struct PooledPersona: Sendable, Hashable {
    public let persona: Persona
    /// Name of the persona plugin.
    public let pool: String

    public init(persona: Persona, pool: String) {
        self.persona = persona
        self.pool = pool
    }
}

/// What intents are drawn from.
public struct IntentPools: Sendable, Hashable {
    public let personas: [PooledPersona]
    public let domains: [Domain]

    /// - Parameters: in an order that doesn't depend on the file system; the draw depends on it. Domains without tasks are
    ///   left out.
    public init(personas: [PooledPersona], domains: [Domain]) {
        self.personas = personas
        self.domains = domains.filter { !$0.tasks.isEmpty }
    }

    func domain(named name: String) -> Domain? { domains.first { $0.name == name } }

    func persona(id: String, pool: String) -> PooledPersona? {
        personas.first { $0.pool == pool && $0.persona.id == id }
    }
}
