import JSON
import Plugins

/// A tool plugin as `tools/list` shows it.
struct ToolListing: Sendable {
    let name: String
    /// Of `structuredContent`; nil when the manifest doesn't promise one.
    let outputSchema: JSONValue?
    private let manifest: PluginManifest
    private let isClosedWorld: Bool

    /// - Parameter isClosedWorld: whether the workspace reaches nothing outside of itself, whatever the tool would like.
    init(_ manifest: PluginManifest, isClosedWorld: Bool) {
        name = manifest.name
        self.manifest = manifest
        self.isClosedWorld = isClosedWorld
        outputSchema = Self.outputSchema(of: manifest)
    }

    func json(_ version: ProtocolVersion) -> JSONValue {
        var input = manifest.parameters ?? ["type": "object", "properties": [:], "additionalProperties": false]
        if input["type"] == nil { input["type"] = "object" }
        var tool: JSONValue = [
            "name": .string(name), "description": .string(manifest.description), "inputSchema": input,
        ]
        if version.hasStructuredContent { tool["outputSchema"] = outputSchema }
        if version.hasAnnotations, !annotations.isEmpty { tool["annotations"] = .object(annotations) }
        return tool
    }

    private var annotations: JSONObject {
        let effects = manifest.effects
        var hints: JSONObject = [:]
        hints["readOnlyHint"] = effects.writes.map { .bool(!$0) }
        hints["idempotentHint"] = effects.idempotent.map(JSONValue.bool)
        hints["openWorldHint"] = isClosedWorld ? false : effects.network.map(JSONValue.bool)
        return hints
    }

    /// A plugin's `returns` describes the whole table that `run` returns; clients get its `details`. Clients demand them once
    /// they are promised, so only those that are always there are.
    private static func outputSchema(of manifest: PluginManifest) -> JSONValue? {
        guard let returns = manifest.returns, returns["required"]?.array?.contains("details") == true,
            var schema = returns["properties"]?["details"], schema["type"] == "object"
        else { return nil }
        if let definitions = returns["$defs"], schema["$defs"] == nil { schema["$defs"] = definitions }
        return schema
    }

    /// Clients check it against the schema, and drop the whole answer, its text too, when it doesn't fit: then there is none.
    func fits(_ structured: JSONValue) -> Bool {
        guard let outputSchema else { return true }
        if case .success = SchemaValidator.validate(structured, against: outputSchema) { return true }
        return false
    }
}
