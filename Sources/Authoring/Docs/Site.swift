import Basics
import JSON
import Plugins

/// Static pages of all plugins and the host functions. Nothing is loaded from elsewhere.
public struct Site: Sendable {
    private let plugins: [Plugin]

    public init(_ plugins: [Plugin]) { self.plugins = plugins }

    public var files: [(name: String, text: String)] {
        [("index.html", index), ("host.html", host), ("style.css", SiteStyle.css)]
            + plugins.map { (Self.page($0), page(of: $0)) }
    }

    private static func page(_ plugin: Plugin) -> String {
        "\(plugin.manifest.kind.rawValue)-\(plugin.manifest.name).html"
    }

    static func escape(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing(
            "\"", with: "&quot;")
    }

    /// Text with `code` in it.
    private static func prose(_ text: String) -> String {
        let parts = escape(text).split(separator: "`", omittingEmptySubsequences: false)
        return parts.enumerated().map { $0.offset % 2 == 1 ? "<code>\($0.element)</code>" : String($0.element) }
            .joined()
    }

    // MARK: Frame

    private var kinds: [(kind: PluginManifest.Kind, plugins: [Plugin])] {
        PluginManifest.Kind.allCases.compactMap { kind in
            let own = plugins.filter { $0.manifest.kind == kind }
            return own.isEmpty ? nil : (kind, own)
        }
    }

    private func frame(_ title: String, current: String, _ body: String) -> String {
        func link(_ file: String, _ text: String) -> String {
            "<a href=\"\(file)\"\(file == current ? " aria-current=\"page\"" : "")>\(Self.escape(text))</a>"
        }
        let groups = kinds.map { kind, plugins in
            "<h2>\(Self.heading(kind))</h2>" + plugins.map { link(Self.page($0), $0.manifest.name) }.joined()
        }.joined()
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(Self.escape(title))</title>
            <link rel="stylesheet" href="style.css">
            </head>
            <body>
            <nav>\(link("index.html", "All plugins"))\(link("host.html", "Host functions"))\(groups)</nav>
            <main>
            \(body)
            </main>
            </body>
            </html>

            """
    }

    private static func heading(_ kind: PluginManifest.Kind) -> String {
        kind.folder.prefix(1).uppercased() + kind.folder.dropFirst()
    }

    // MARK: Pages

    private var index: String {
        let groups = kinds.map { kind, plugins in
            let cards = plugins.map { plugin in
                return """
                    <a class="card" href="\(Self.page(plugin))"><b>\(Self.escape(plugin.manifest.name))</b> \
                    <small>\(plugin.manifest.version)</small><p>\(Self.prose(plugin.manifest.summary)).</p></a>
                    """
            }.joined(separator: "\n")
            return "<h2>\(Self.heading(kind))</h2>\n<div class=\"cards\">\n\(cards)\n</div>"
        }.joined(separator: "\n")
        return frame(
            "Plugins", current: "index.html",
            """
            <h1>Plugins</h1>
            <p class="lead">\(counted(plugins.count, "plugin")). They act through \(HostReference.functions.count) <a href="host.html">host functions</a>, \
            and only through those that their manifests permit.</p>
            \(groups)
            """)
    }

    private func page(of plugin: Plugin) -> String {
        let manifest = plugin.manifest
        var body = [
            "<p class=\"kind\">\(manifest.kind.rawValue)</p>",
            "<h1>\(Self.escape(manifest.name)) <small>\(manifest.version)</small></h1>",
            "<p class=\"lead\">\(Self.prose(manifest.description))</p>",
        ]
        for (title, schema) in [
            ("Parameters", manifest.parameters), ("Result", manifest.returns), ("Settings", manifest.config),
        ] {
            guard let schema, case let rows = SchemaTable.rows(schema), !rows.isEmpty else { continue }
            body.append("<h2>\(title)</h2>\n" + Self.table(rows))
        }
        if !manifest.examples.isEmpty {
            body.append(
                "<h2>Examples</h2>\n<pre>" + manifest.examples.map { Self.escape($0.compact) }.joined(separator: "\n")
                    + "</pre>")
        }
        let permissions = manifest.json["permissions"] ?? [:]
        body.append("<h2>Permissions</h2>")
        body.append(
            permissions.object?.isEmpty == false ? "<pre>\(Self.escape(permissions.pretty))</pre>" : "<p>None.</p>")
        let limits = Inspection(plugin).json["limits"]?.object?.members ?? []
        body.append(
            "<h2>Limits of one call</h2>\n<p>"
                + limits.map { "<code>\($0.key)</code> \($0.value.compact)" }.joined(separator: " · ") + "</p>")
        if !plugin.libraries.isEmpty {
            let names = plugin.libraries.keys.sorted().map { "<a href=\"library-\($0).html\">\($0)</a>" }.joined(
                separator: ", ")
            body.append("<h2>Libraries</h2>\n<p>\(names)</p>")
        }
        body.append("<p class=\"hash\">\(plugin.hash)</p>")
        return frame(plugin.title, current: Self.page(plugin), body.joined(separator: "\n"))
    }

    private static func table(_ rows: [SchemaTable.Row]) -> String {
        let lines = rows.map { row in
            let notes =
                (row.isRequired ? ["<em>required</em>"] : [])
                + (row.fallback.map { ["default <code>\(escape($0))</code>"] } ?? [])
            return """
                <tr><td><code>\(escape(row.name))</code></td><td>\(escape(row.type))</td>\
                <td>\(prose(row.doc))\(notes.isEmpty ? "" : " <span>\(notes.joined(separator: ", "))</span>")</td></tr>
                """
        }
        return "<table>\n<tr><th>name</th><th>type</th><th></th></tr>\n\(lines.joined(separator: "\n"))\n</table>"
    }

    // MARK: Host functions

    private var host: String {
        var libraries: [String] = []
        for function in HostReference.functions where !libraries.contains(function.library) {
            libraries.append(function.library)
        }
        let sections = libraries.map { library in
            let functions = HostReference.functions.filter { $0.library == library }.map(Self.section).joined(
                separator: "\n")
            let values = HostReference.values(of: library).map { value in
                "<section><h3><code>\(library).\(value.name)</code></h3><p>\(Self.escape(value.type)): \(Self.prose(value.doc))</p></section>"
            }
            let members = ([functions] + values).joined(separator: "\n")
            return "<h2 id=\"\(library)\">\(library.isEmpty ? "Globals" : library)</h2>\n\(members)"
        }.joined(separator: "\n")
        let records = HostReference.records.map { record in
            "<section id=\"\(record.name)\"><h3><code>\(record.name)</code></h3><p>\(Self.prose(record.doc))</p>\(Self.fields([("", record.fields)]))</section>"
        }.joined(separator: "\n")
        let contents = libraries.map { "<a href=\"#\($0)\">\($0.isEmpty ? "globals" : $0)</a>" }.joined(separator: " ")
        return frame(
            "Host functions", current: "host.html",
            """
            <h1>Host functions</h1>
            <p class="lead">What plugins may call, in API \(PluginManifest.currentAPI). A function that needs a permission is there only when the \
            manifest has it. Errors are tables with <code>code</code>, <code>message</code> and <code>details</code>.</p>
            <p class="contents">\(contents) <a href="#records">tables</a></p>
            \(sections)
            <h2 id="records">Tables</h2>
            \(records)
            """)
    }

    private static func section(_ function: HostReference.Function) -> String {
        var parts = [
            "<section id=\"\(function.name)\"><h3><code>\(escape(Document.signature(function)))</code></h3>",
            "<p>\(prose(function.doc))",
        ]
        if !function.resultDoc.isEmpty { parts.append(" \(prose(function.resultDoc))") }
        parts.append("</p>")
        if let permission = function.permission {
            parts.append("<p class=\"needs\">needs <code>\(escape(permission.manifestLine))</code></p>")
        }
        parts.append(fields([("", function.parameters), ("options.", function.options)]))
        if !function.failures.isEmpty {
            parts.append(
                "<ul class=\"errors\">"
                    + function.failures.map { "<li><code>\($0.code)</code> \(prose($0.doc))</li>" }.joined() + "</ul>")
        }
        return parts.joined() + "</section>"
    }

    private static func fields(_ groups: [(prefix: String, fields: [HostReference.Field])]) -> String {
        let rows = groups.flatMap { prefix, fields in
            fields.map { field in
                let fallback = field.fallback.map { " <span>default <code>\(escape($0))</code></span>" } ?? ""
                return
                    "<tr><td><code>\(prefix)\(field.name)</code></td><td>\(typeLink(field.type))</td><td>\(prose(field.doc))\(fallback)</td></tr>"
            }
        }
        return rows.isEmpty ? "" : "<table>\(rows.joined())</table>"
    }

    private static func typeLink(_ type: String) -> String {
        let name = type.replacing("?", with: "").replacing("[]", with: "")
        guard HostReference.records.contains(where: { $0.name == name }) else { return escape(type) }
        return "<a href=\"#\(name)\">\(escape(type))</a>"
    }
}

extension PluginManifest {
    /// The first sentence of the description, without its full stop.
    public var summary: String {
        let line = description.prefix { $0 != "\n" }
        var end = line.startIndex
        while end < line.endIndex {
            let next = line.index(after: end)
            if line[end] == ".", next == line.endIndex || line[next] == " " { break }
            end = next
        }
        return String(line[..<end])
    }
}
