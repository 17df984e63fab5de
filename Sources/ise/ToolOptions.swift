import ArgumentParser
import Models
import Runs

/// Which tools there are, and what they have beside the workspace. What a flag doesn't say, the environment may.
struct ToolOptions: ParsableArguments {
    @Option(
        name: .customLong("tools"),
        help: ArgumentHelp(
            "Tools to offer, separated by commas: names, categories (files, shell, web, memory, sessions, media, schedule), default, all.",
            valueName: "list"))
    var list: String?

    @Option(
        help: "OpenAI-compatible server for tools that ask a model, such as image (or ISE_TOOL_URL; key: ISE_TOOL_KEY)."
    )
    var toolURL: String?

    @Option(help: "Model to ask there (or ISE_TOOL_MODEL).")
    var toolModel: String?

    @Option(
        help:
            "Server for embeddings, which memory_search ranks by besides words (or ISE_EMBED_URL; key: ISE_EMBED_KEY).")
    var embedURL: String?

    @Option(help: "Model to ask there (or ISE_EMBED_MODEL).")
    var embedModel: String?

    @Option(help: "What web_search asks: searxng, brave or serper (or ISE_SEARCH_PROVIDER; key: ISE_SEARCH_KEY).")
    var searchProvider: String?

    @Option(help: "Its address (or ISE_SEARCH_URL); brave and serper have one of their own.")
    var searchURL: String?

    @Flag(help: "The agent's model takes images: those that tools return are shown to it.")
    var agentImages = false

    var names: [String] {
        (list ?? "").split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
    }

    var settings: ToolSettings {
        var settings = ToolSettings()
        settings.model = .init(url: toolURL, model: toolModel)
        settings.embeddings = .init(url: embedURL, model: embedModel)
        settings.searchProvider = searchProvider
        settings.searchURL = searchURL
        settings.agentSeesImages = agentImages
        return settings
    }
}
