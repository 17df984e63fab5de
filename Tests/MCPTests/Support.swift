import Glibc
import JSON
import Plugins
import Synchronization
import TestSupport
import Testing
import Workspaces

/// One host serves all tests of this process.
enum SharedHost {
    private static let starting = Task { try await WorkspaceHost.start() }
    static var host: WorkspaceHost { get async throws { try await starting.value } }
}

/// Descriptors that are closed once each.
final class Box: Sendable {
    private let open: Mutex<Set<CInt>>
    init(_ descriptors: [CInt]) { open = Mutex(Set(descriptors)) }
    func close(_ descriptor: CInt) {
        if open.withLock({ $0.remove(descriptor) }) != nil { Glibc.close(descriptor) }
    }
    func closeAll() { for descriptor in open.withLock({ $0 }) { close(descriptor) } }
}

final class NoteBook: Sendable {
    private let notes = Mutex<[String]>([])
    var all: [String] { notes.withLock { $0 } }
    var add: @Sendable (String) -> Void { { [self] note in notes.withLock { $0.append(note) } } }
}

/// A tool plugin whose Lua stands in the test.
struct InlineTool {
    var name: String
    /// Members of the manifest beyond the required ones.
    var manifest: JSONValue = [:]
    var lua: String

    /// Runs a command of sh; its result is as `exec`'s.
    static let shell = InlineTool(
        name: "shell",
        manifest: [
            "permissions": ["exec": ["*"]],
            "parameters": [
                "type": "object", "properties": ["command": ["type": "string"]], "required": ["command"],
            ],
        ],
        lua: """
            return { run = function(args)
              local r = ws.exec({ "sh", "-c", args.command })
              local details = { exit_code = r.code, stdout = r.stdout, stderr = r.stderr }
              return { text = r.stdout .. r.stderr, failed = r.code ~= 0, details = details }
            end }
            """)

    static func plugins(_ tools: [InlineTool]) throws -> [Plugin] {
        let directory = try TemporaryDirectory()
        mkdir(directory.file("tools"), 0o755)
        for tool in tools {
            var header: JSONObject = [
                "api": 1, "kind": "tool", "name": .string(tool.name), "version": "0.1.0",
                "description": "Stands in a test.",
            ]
            for (key, value) in tool.manifest.object ?? [:] { header[key] = value }
            let text = "--[[plugin \(JSONValue.object(header).compact) ]]\n\(tool.lua)\n"
            try directory.write("tools/\(tool.name).lua", Array(text.utf8))
        }
        let catalog = PluginCatalog.load(from: [directory.path])
        #expect(catalog.problems.isEmpty)
        return catalog.plugins(kind: .tool)
    }
}
