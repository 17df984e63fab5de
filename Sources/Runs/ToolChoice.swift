import Dialogue
import JSON
import Models
import Plugins

/// Which of the loaded tools a run offers to its agents.
public enum ToolChoice {
    /// All but those that are offered on request only: their schemas would be in every prompt for nothing.
    public static func usual(_ tools: [Plugin]) -> [Plugin] { tools.filter { !$0.manifest.isOnRequest } }

    /// - Parameter names: of tools or of categories; `default` for the usual ones, `all` for all. Empty: the usual ones.
    /// - Throws: `.input` with a suggestion for a name that is none of these.
    public static func tools(_ names: [String], of tools: [Plugin]) throws(RunError) -> [Plugin] {
        guard !names.isEmpty else { return usual(tools) }
        var chosen: Set<String> = []
        for name in names {
            let found: [Plugin] =
                switch name {
                case "all": tools
                case "default": usual(tools)
                default: tools.filter { $0.manifest.name == name || $0.manifest.categories.contains(name) }
                }
            guard !found.isEmpty else {
                let known = tools.flatMap { [$0.manifest.name] + $0.manifest.categories } + ["all", "default"]
                throw RunError(
                    .input,
                    "--tools: there is no tool or category \"\(name)\"\(Suggestion.question(for: name, among: known)); "
                        + "there are \(Set(known).sorted().joined(separator: ", "))")
            }
            chosen.formUnion(found.map(\.manifest.name))
        }
        return tools.filter { chosen.contains($0.manifest.name) }
    }
}

/// What a run is told of models, search and images for its tools; the rest comes from the environment.
public struct ToolSettings: Sendable {
    public var model = ChatSettings.Flags()
    public var embeddings = ChatSettings.Flags()
    public var searchProvider: String?
    public var searchURL: String?
    public var agentSeesImages = false

    public init() {}

    /// - Throws: `.input` with what is missing or wrong.
    public func resources(for tools: [Plugin], environment: [String: String]) throws(RunError) -> ToolResources {
        var resources = ToolResources()
        resources.agentSeesImages = agentSeesImages
        do {
            let http = try HTTPClient()
            if tools.contains(where: { !$0.manifest.permissions.network.isEmpty }) { resources.http = http }
            resources.model = try ChatSettings.ifGiven(role: .tool, flags: model, environment: environment)
                .map { ChatClient(settings: $0, http: http) }
            resources.embeddings = try ChatSettings.ifGiven(role: .embed, flags: embeddings, environment: environment)
                .map { EmbeddingClient(settings: $0, http: http) }
            resources.search = try SearchProvider.ifGiven(
                provider: searchProvider, url: searchURL, environment: environment)
        } catch {
            throw RunError(.input, "\(error)")
        }
        return resources
    }
}

extension ToolResources {
    /// For the redactor: whatever of them ends up in a trace by accident.
    var secrets: [(String, String)] {
        [
            ("tool model key", model?.settings.key?.value), ("embedding key", embeddings?.settings.key?.value),
            ("search key", search?.key?.value),
        ].compactMap { name, value in value.map { (name, $0) } }
    }

    /// What a trace says of them.
    var json: JSONValue {
        func model(_ settings: ChatSettings?) -> JSONValue? {
            settings.map { ["url": .string($0.url), "model": .string($0.model)] }
        }
        var json: JSONValue = [:]
        json["model"] = model(self.model?.settings)
        json["embeddings"] = model(embeddings?.settings)
        json["search"] = search.map { ["provider": .string($0.kind.rawValue), "url": .string($0.url)] }
        if agentSeesImages { json["agent_sees_images"] = true }
        return json
    }
}
