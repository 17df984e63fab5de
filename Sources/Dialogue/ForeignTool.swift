import JSON
import Trace
import Workspaces

/// A program that brings tools of its own, and that lives in the workspace of the trajectory: it starts after the fixture is
/// laid out and ends with the workspace.
public protocol ToolSource: Sendable {
    /// In the names of tools that would clash, and in the record.
    var name: String { get }
    /// Starts it and asks for its tools. One that does not come up brings none, and says why to `log` (level, text).
    func open(
        in workspace: Workspace, log: @escaping @Sendable (_ level: String, _ text: String) -> Void
    ) async -> [ForeignTool]
    /// Who takes part, for the record.
    var use: TraceEvent.PluginUse { get }
    /// How it is started, for the record.
    var settings: JSONValue { get }
}

/// A tool that is no plugin.
public struct ForeignTool: Sendable {
    /// As it is offered.
    public var name: String
    public var description: String
    /// JSON Schema of the arguments, in whatever dialect its maker wrote it: the tool checks them itself.
    public var parameters: JSONValue
    /// 64 hexadecimal digits: what this tool is, for the record.
    public var hash: String
    /// Gets a JSON object.
    public var call: @Sendable (JSONValue) async throws(ToolError) -> ToolAnswer

    public init(
        name: String, description: String, parameters: JSONValue, hash: String,
        call: @escaping @Sendable (JSONValue) async throws(ToolError) -> ToolAnswer
    ) {
        self.name = name
        self.description = description
        self.parameters = parameters
        self.hash = hash
        self.call = call
    }

    /// As it is sent to models.
    var definition: JSONValue {
        let function: JSONValue = [
            "name": .string(name), "description": .string(description), "parameters": parameters,
        ]
        return ["type": "function", "function": function]
    }
}

/// What a foreign tool answers.
public struct ToolAnswer: Sendable, Hashable {
    public var text: String
    /// The tool ran, and the world or the tool refused.
    public var failed: Bool
    public var details: JSONValue?
    public var images: [ToolImage] = []

    public init(text: String, failed: Bool = false, details: JSONValue? = nil, images: [ToolImage] = []) {
        self.text = text
        self.failed = failed
        self.details = details
        self.images = images
    }
}

extension Casting {
    /// Opens the sources one after another. A tool whose name is taken gets its source's name in front.
    func foreignTools(in workspace: Workspace, _ log: HostCallLog) async -> [ForeignTool] {
        var taken = Set(tools.map(\.manifest.name))
        var result: [ForeignTool] = []
        for source in toolSources {
            let name = source.name
            let tools = await source.open(in: workspace) { level, text in
                log.append(.log(level: level, text: text, fields: nil, plugin: name))
            }
            for var tool in tools {
                tool.name = ToolName.free(tool.name, of: source.name, taken: taken)
                taken.insert(tool.name)
                result.append(tool)
            }
        }
        return result
    }
}

/// Names that the servers of models take: `[A-Za-z0-9_-]{1,64}`.
enum ToolName {
    static func free(_ name: String, of source: String, taken: Set<String>) -> String {
        let plain = clean(name)
        guard taken.contains(plain) else { return plain }
        let prefixed = clean("\(source)_\(plain)")
        guard taken.contains(prefixed) else { return prefixed }
        var number = 2
        while true {
            let numbered = "\(prefixed.prefix(60))_\(number)"
            if !taken.contains(numbered) { return numbered }
            number += 1
        }
    }

    private static func clean(_ name: String) -> String {
        let letters = name.utf8.prefix(64).map { byte -> Character in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            return isPlain || byte == 0x5F || byte == 0x2D ? Character(Unicode.Scalar(byte)) : "_"
        }
        return letters.isEmpty ? "unnamed" : String(letters)
    }
}
