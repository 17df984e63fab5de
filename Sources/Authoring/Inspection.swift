import JSON
import Plugins

/// All that is known of a plugin without running it.
public struct Inspection: Sendable {
    private let plugin: Plugin

    public init(_ plugin: Plugin) { self.plugin = plugin }

    public var json: JSONValue {
        let manifest = plugin.manifest
        var object: JSONObject = [
            "kind": .string(manifest.kind.rawValue), "name": .string(manifest.name),
            "version": .string(manifest.version.description), "api": .int(manifest.api),
            "description": .string(manifest.description), "location": .string(plugin.location),
            "hash": .string(plugin.hash), "permissions": permissions, "limits": limits,
        ]
        object["parameters"] = manifest.parameters
        object["returns"] = manifest.returns
        object["config"] = manifest.config
        object["effects"] = manifest.json["effects"]
        object["files"] = .object(
            JSONObject(plugin.sources.sorted { $0.key < $1.key }.map { ($0.key, .int($0.value.count)) }))
        object["libraries"] = .object(
            JSONObject(
                plugin.libraries.sorted { $0.key < $1.key }.map { name, library in
                    (name, ["version": .string(library.manifest.version.description), "hash": .string(library.hash)])
                }))
        object["functions"] = JSONValue(functions)
        if !manifest.examples.isEmpty { object["examples"] = .array(manifest.examples) }
        return .object(object)
    }

    /// What the manifest asks for, as it was written.
    private var permissions: JSONValue { plugin.manifest.json["permissions"] ?? [:] }

    private var limits: JSONValue {
        let limits = plugin.limits
        return [
            "cpu_ms": .int(Int(limits.cpu / .milliseconds(1))), "wall_ms": .int(Int(limits.wall / .milliseconds(1))),
            "memory_mb": .int(limits.memory >> 20), "host_calls": .int(limits.hostCalls),
            "output_kb": .int(limits.output >> 10),
        ]
    }

    /// Host functions that the plugin has and that need a permission.
    private var functions: [String] {
        HostReference.functions.filter { $0.permission?.isGranted(plugin.manifest) == true }.map(\.name)
    }

    public var text: String {
        let manifest = plugin.manifest
        var lines = [
            "\(plugin.title) \(manifest.version)", manifest.description, "", "location     \(plugin.location)",
            "hash         \(plugin.hash)",
        ]
        func row(_ title: String, _ text: String) {
            lines.append(title + String(repeating: " ", count: max(1, 13 - title.count)) + text)
        }
        row(
            "files",
            plugin.sources.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value.count) bytes)" }.joined(
                separator: ", "))
        if !plugin.libraries.isEmpty {
            row(
                "libraries",
                plugin.libraries.values.map { "\($0.manifest.name) \($0.manifest.version)" }.sorted().joined(
                    separator: ", "))
        }
        row("permissions", permissions.object?.isEmpty == false ? permissions.compact : "none")
        if let effects = manifest.json["effects"] { row("effects", effects.compact) }
        row("limits", (limits.object?.members ?? []).map { "\($0.key) \($0.value.compact)" }.joined(separator: ", "))
        row("may call", functions.isEmpty ? "nothing that needs a permission" : functions.joined(separator: ", "))
        for (title, schema) in [
            ("parameters", manifest.parameters), ("returns", manifest.returns), ("config", manifest.config),
        ] {
            guard let schema else { continue }
            lines.append(title)
            lines += SchemaTable.rows(schema).map {
                "  \($0.name)\(String(repeating: " ", count: max(1, 18 - $0.name.count)))\($0.type)\($0.isRequired ? ", required" : "")\($0.fallback.map { ", default \($0)" } ?? "")  \($0.doc)"
            }
        }
        for example in manifest.examples { row("example", example.compact) }
        return lines.joined(separator: "\n")
    }
}

/// The members of an object schema, for people.
enum SchemaTable {
    struct Row {
        var name: String
        var type: String
        var isRequired: Bool
        var fallback: String?
        var doc: String
    }

    static func rows(_ schema: JSONValue, prefix: String = "", depth: Int = 0) -> [Row] {
        let required = Set((schema["required"]?.array ?? []).compactMap(\.string))
        return (schema["properties"]?.object?.members ?? []).flatMap { property -> [Row] in
            let row = Row(
                name: prefix + property.key, type: type(of: property.value),
                isRequired: required.contains(property.key),
                fallback: property.value["default"]?.compact, doc: property.value["description"]?.string ?? "")
            guard depth < 3 else { return [row] }
            let inner = property.value["items"] ?? property.value
            let suffix = property.value["items"] == nil ? "." : "[]."
            return [row] + rows(inner, prefix: prefix + property.key + suffix, depth: depth + 1)
        }
    }

    static func type(of schema: JSONValue) -> String {
        if let choices = schema["enum"]?.array { return choices.map(\.compact).joined(separator: " | ") }
        if let alternatives = schema["anyOf"]?.array { return alternatives.map(type).joined(separator: " | ") }
        if let types = schema["type"]?.array { return types.compactMap(\.string).joined(separator: " | ") }
        let name = schema["type"]?.string ?? (schema["$ref"]?.string ?? "any")
        if name == "array" { return "list of \(type(of: schema["items"] ?? [:]))" }
        var bounds: [String] = []
        if let least = schema["minimum"] { bounds.append("≥ \(least.compact)") }
        if let most = schema["maximum"] { bounds.append("≤ \(most.compact)") }
        return bounds.isEmpty ? name : "\(name) \(bounds.joined(separator: ", "))"
    }
}
