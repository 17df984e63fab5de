import JSON
import Plugins

/// Plugins and the host functions, as one text.
public struct Document: Sendable {
    private let plugins: [Plugin]
    private let withHost: Bool

    public init(_ plugins: [Plugin], withHost: Bool) {
        self.plugins = plugins
        self.withHost = withHost
    }

    // MARK: JSON

    public var json: JSONValue {
        var object: JSONObject = ["plugins": .array(plugins.map { Inspection($0).json })]
        object["tools"] = .array(
            plugins.filter { $0.manifest.kind == .tool }.map { plugin in
                [
                    "name": .string(plugin.manifest.name), "description": .string(plugin.manifest.description),
                    "inputSchema": plugin.manifest.parameters ?? ["type": "object", "properties": [:]],
                ]
            })
        if withHost { object["host"] = .array(HostReference.functions.map(Self.json)) }
        return .object(object)
    }

    private static func json(_ function: HostReference.Function) -> JSONValue {
        func field(_ field: HostReference.Field) -> JSONValue {
            var object: JSONObject = [
                "name": .string(field.name), "type": .string(field.type), "doc": .string(field.doc),
            ]
            object["default"] = field.fallback.map { .string($0) }
            return .object(object)
        }
        var object: JSONObject = ["name": .string(function.name), "doc": .string(function.doc)]
        object["parameters"] = .array(function.parameters.map(field))
        object["options"] = .array(function.options.map(field))
        object["returns"] = function.result.map { .string($0) }
        object["errors"] = .array(function.failures.map { ["code": .string($0.code), "doc": .string($0.doc)] })
        object["permission"] = function.permission.map { .string($0.manifestLine) }
        object["waits"] = .bool(function.waits)
        object["since"] = .int(function.since)
        return .object(object)
    }

    // MARK: Markdown

    public var markdown: String {
        var parts = plugins.map(Self.markdown)
        if withHost { parts.append(Self.hostMarkdown) }
        return parts.joined(separator: "\n\n")
    }

    private static func markdown(_ plugin: Plugin) -> String {
        let manifest = plugin.manifest
        var lines = ["# \(plugin.title) \(manifest.version)", "", manifest.description]
        for (title, schema) in [
            ("Parameters", manifest.parameters), ("Result", manifest.returns), ("Settings", manifest.config),
        ] {
            guard let schema, case let rows = SchemaTable.rows(schema), !rows.isEmpty else { continue }
            lines += ["", "## \(title)", "", "| name | type | default | |", "|---|---|---|---|"]
            for row in rows {
                let type = row.type.replacing("|", with: "\\|") + (row.isRequired ? ", required" : "")
                lines.append(
                    "| `\(row.name)` | \(type) | \(row.fallback.map { "`\($0)`" } ?? "") | \(row.doc.replacing("|", with: "\\|")) |"
                )
            }
        }
        let permissions = manifest.json["permissions"] ?? [:]
        lines += [
            "", "## Permissions", "", permissions.object?.isEmpty == false ? "`\(permissions.compact)`" : "None.",
        ]
        if !manifest.examples.isEmpty {
            lines += ["", "## Examples", "", "```json"] + manifest.examples.map(\.compact) + ["```"]
        }
        return lines.joined(separator: "\n")
    }

    private static var hostMarkdown: String {
        var lines = ["# Host functions", "", "API \(PluginManifest.currentAPI)."]
        for function in HostReference.functions {
            lines += ["", "## `\(signature(function))`", "", function.doc]
            if let permission = function.permission { lines.append("Needs `\(permission.manifestLine)`.") }
            let fields = function.parameters.map { ("parameter", $0) } + function.options.map { ("option", $0) }
            for (what, field) in fields where !field.doc.isEmpty {
                lines.append(
                    "- \(what) `\(field.name)` (\(field.type))\(field.fallback.map { ", default \($0)" } ?? ""): \(field.doc)"
                )
            }
            for failure in function.failures { lines.append("- error `\(failure.code)`: \(failure.doc)") }
        }
        lines += ["", "## Values", ""]
        lines += HostReference.values.map { "- `\($0.name)` (\($0.type)): \($0.doc)" }
        return lines.joined(separator: "\n")
    }

    /// "ws.read(path, options?) → string".
    static func signature(_ function: HostReference.Function) -> String {
        let names =
            function.parameters.map { $0.type.hasSuffix("?") ? $0.name + "?" : $0.name }
            + (function.options.isEmpty ? [] : ["options?"])
        return "\(function.name)(\(names.joined(separator: ", ")))" + (function.result.map { " → \($0)" } ?? "")
    }
}
