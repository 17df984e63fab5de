import Basics
import JSON
import Plugins

/// The loaded persona and domain plugins at work.
///
/// Each call gets a plugin state of its own, seeded by the caller, so that an answer depends on its arguments and on nothing
/// that happened before.
public struct PluginAuthor: IntentAuthor {
    /// What the plugins describe.
    public let pools: IntentPools
    /// Why plugins were left out.
    public let problems: [IntentError]
    private let personas: [String: Plugin]
    private let domains: [String: Plugin]

    /// Asks every persona and domain plugin of `catalog` what it has. One that fails, or describes itself wrongly, is left out.
    public init(catalog: PluginCatalog) async {
        var problems: [IntentError] = []
        var personas: [PooledPersona] = []
        var domains: [Domain] = []
        let personaPlugins = catalog.plugins(kind: .persona)
        let domainPlugins = catalog.plugins(kind: .domain)
        for plugin in personaPlugins {
            do throws(IntentError) { personas += try await plugin.personas() } catch { problems.append(error) }
        }
        for plugin in domainPlugins {
            do throws(IntentError) { domains.append(try await plugin.domain()) } catch { problems.append(error) }
        }
        func byName(_ plugins: [Plugin]) -> [String: Plugin] {
            Dictionary(plugins.map { ($0.manifest.name, $0) }) { first, _ in first }
        }
        self.pools = IntentPools(personas: personas, domains: domains)
        self.problems = problems
        self.personas = byName(personaPlugins)
        self.domains = byName(domainPlugins)
    }

    public func instantiate(
        _ task: String, domain: String, persona: Persona, seed: UInt64
    ) async throws(IntentError) -> TaskInstance {
        guard let plugin = domains[domain] else { throw IntentError(.pool, "no domain \(domain) is loaded") }
        let value = try await plugin.answer("instantiate", [.string(task), .object(persona.value)], seed: seed)
        return try TaskInstance(domain: domain, task: task, seed: seed, value: value)
    }

    public func compose(_ requests: [String], persona: PooledPersona, seed: UInt64) async throws(IntentError) -> String
    {
        guard let plugin = personas[persona.pool] else {
            throw IntentError(.pool, "no persona plugin \(persona.pool) is loaded")
        }
        let arguments: [JSONValue] = [.object(persona.persona.value), JSONValue(requests)]
        let text = try await plugin.answer("compose", arguments, seed: seed)
        guard let text = text.string?.trimmed.nonEmpty else {
            throw IntentError(.plugin, "compose of the personas \(persona.pool) gave \(text.typeName), not a text")
        }
        return text
    }
}

extension Plugin {
    /// Calls a function in a fresh state.
    fileprivate func answer(_ function: String, _ arguments: [JSONValue], seed: UInt64) async throws(IntentError)
        -> JSONValue
    {
        do throws(PluginError) {
            return try await PluginInstance(self, host: HostServices(), seed: seed).call(function, arguments)
        } catch {
            throw failure(error)
        }
    }

    /// Reads a member of the table that the plugin returns.
    private func member(_ name: String) async throws(IntentError) -> JSONValue {
        do throws(PluginError) {
            return try await PluginInstance(self, host: HostServices(), seed: 0).value(name)
        } catch {
            throw failure(error)
        }
    }

    private func failure(_ error: PluginError) -> IntentError {
        IntentError(.plugin, "the \(manifest.kind.rawValue) plugin \(manifest.name): \(error)")
    }

    private func malformed(_ reason: String) -> IntentError {
        IntentError(.plugin, "the \(manifest.kind.rawValue) plugin \(manifest.name) \(reason)")
    }

    fileprivate func personas() async throws(IntentError) -> [PooledPersona] {
        guard let list = try await member("personas").array, !list.isEmpty else {
            throw malformed("returns no list `personas`")
        }
        var ids: Set<String> = []
        return try list.enumerated().map { place, value throws(IntentError) in
            let persona = Persona(value.object ?? JSONObject())
            guard !persona.id.isEmpty, !persona.name.isEmpty, ids.insert(persona.id).inserted else {
                throw malformed("has a persona without a name or an id of its own (number \(place + 1))")
            }
            return PooledPersona(persona: persona, pool: manifest.name)
        }
    }

    fileprivate func domain() async throws(IntentError) -> Domain {
        let name = try await member("name").string ?? ""
        guard name == manifest.name else {
            throw malformed("calls itself \"\(name)\" in its table; the two names must be equal")
        }
        let (id, description) = (try await member("id").string ?? "", try await member("description").string ?? "")
        guard !id.isEmpty, !description.isEmpty else { throw malformed("returns no `id` or no `description`") }
        let tasks = try (await member("tasks").array ?? []).map { value throws(IntentError) in
            guard let id = value["id"]?.string, let name = value["name"]?.string,
                let text = value["description"]?.string
            else {
                throw malformed("has a task without `id`, `name` or `description`")
            }
            return TaskDefinition(
                id: id, name: name, description: text, tools: strings(value["tools"]), skills: strings(value["skills"]))
        }
        guard !tasks.isEmpty, Set(tasks.map(\.name)).count == tasks.count else {
            throw malformed("needs tasks, each with a name of its own")
        }
        return Domain(id: id, name: name, description: description, tasks: tasks)
    }

    private func strings(_ value: JSONValue?) -> [String] { value?.array?.compactMap(\.string) ?? [] }
}
