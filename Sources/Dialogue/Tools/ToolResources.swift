import Models
import Workspaces

/// What a run has for its tools beside workspaces.
public struct ToolResources: Sendable {
    /// Of tools that ask a model, such as one that looks at images.
    public var model: ChatClient?
    public var embeddings: EmbeddingClient?
    public var search: SearchProvider?
    /// For tools that fetch; nil: no tool reaches beyond its workspace.
    public var http: HTTPClient?
    /// The agent's model takes images: those that tools return are put into the conversation.
    public var agentSeesImages = false

    public init() {}
}
