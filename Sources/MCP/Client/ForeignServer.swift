import Dialogue
import Hashing
import JSON
import Trace
import Workspaces

/// A foreign MCP server whose tools an agent gets. It runs inside the trajectory's workspace, under the same walls as the
/// agent's commands, from the first user turn to the end.
public struct ForeignServer: ToolSource, Hashable {
    public var name: String
    /// For sh.
    public var command: String
    /// From its start until its tools are known.
    public var startTimeout = Duration.seconds(60)
    /// Of one call.
    public var callTimeout = Duration.seconds(120)

    public init(name: String, command: String) {
        self.name = name
        self.command = command
    }

    /// From `COMMAND` or `NAME=COMMAND`; without a name it is called after its program, or after the script that an interpreter
    /// runs. Nil when there is no command.
    public init?(option: String) {
        let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, Self.isName(parts[0]) {
            self.init(name: parts[0], command: parts[1])
        } else {
            self.init(name: Self.name(of: option), command: option)
        }
        guard command.contains(where: { !$0.isWhitespace }) else { return nil }
    }

    /// In capitals it would be a variable of the command's environment.
    private static func isName(_ text: String) -> Bool {
        text.first.map { ("a"..."z").contains($0) } == true
            && text.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
            }
    }

    private static func name(of command: String) -> String {
        let words = command.split(whereSeparator: \.isWhitespace).filter { !$0.hasPrefix("-") && !$0.contains("=") }
        let interpreters = [
            "python", "python3", "node", "npx", "uvx", "uv", "sh", "bash", "env", "exec", "deno", "bun",
        ]
        let names = words.map { $0.split(separator: "/").last.map(String.init) ?? "" }
        let first = names.first { !$0.isEmpty && !interpreters.contains($0) } ?? "server"
        let stem = first.split(separator: ".").first.map(String.init) ?? first
        return stem.isEmpty ? "server" : stem
    }

    public var use: TraceEvent.PluginUse {
        .init(kind: "mcp", name: name, version: "", hash: ContentHash(of: command).hex)
    }

    public var settings: JSONValue { ["name": .string(name), "command": .string(command)] }

    public func open(
        in workspace: Workspace, log: @escaping @Sendable (_ level: String, _ text: String) -> Void
    ) async -> [ForeignTool] {
        do throws(ToolError) {
            return try await start(in: workspace, log)
        } catch {
            log("error", "the MCP server \(name) brings no tools: \(error.message)")
            return []
        }
    }

    private func start(
        in workspace: Workspace, _ log: @escaping @Sendable (String, String) -> Void
    ) async throws(ToolError) -> [ForeignTool] {
        var request = ExecRequest(argv: ["/bin/sh", "-c", command], timeout: .zero, outputLimit: 0)
        request.keepsInput = true
        request.streamsOutput = true
        let job: Job
        do throws(WorkspaceError) { job = try await workspace.start(request) } catch {
            throw .mcp("gone", "it does not start: \(error.message)")
        }
        workspace.forget(job)  // it is none of the agent's jobs
        let client = MCPClient(job, log: log)
        client.listen()
        do throws(ToolError) {
            let server = try await client.initialize(timeout: startTimeout)
            let listed = try await client.tools(timeout: startTimeout)
            let tools = self.tools(listed, of: server["serverInfo"] ?? .null, client, log)
            let information = server["serverInfo"]
            log(
                "info",
                "MCP server \(information?["name"]?.string?.head ?? name) \(information?["version"]?.string?.head ?? ""), "
                    + "protocol \(server["protocolVersion"]?.string ?? ""): \(tools.count) tools")
            return tools
        } catch {
            job.kill()
            throw error
        }
    }

    private func tools(
        _ listed: [JSONValue], of server: JSONValue, _ client: MCPClient, _ log: (String, String) -> Void
    ) -> [ForeignTool] {
        var seen: Set<String> = []
        return listed.compactMap { tool in
            guard let name = tool["name"]?.string, !name.isEmpty, let schema = tool["inputSchema"], schema.object != nil
            else {
                log("warn", "left out: a tool without a name or an inputSchema: \(tool.compact.head)")
                return nil
            }
            guard seen.insert(name).inserted else {
                log("warn", "left out: a second tool named \(name.head)")
                return nil
            }
            let timeout = callTimeout
            let owner = self.name
            return ForeignTool(
                name: name, description: tool["description"]?.string ?? "", parameters: schema,
                hash: ContentHash(of: JSONValue.array([server, tool]).canonicalBytes).hex
            ) { arguments throws(ToolError) in
                do throws(ToolError) {
                    return try ToolAnswer(mcp: try await client.call(name, arguments, timeout: timeout))
                } catch {
                    guard error.code.hasPrefix("mcp_") else { throw error }
                    throw ToolError(code: error.code, message: "the MCP server \(owner): \(error.message)")
                }
            }
        }
    }
}

extension ToolAnswer {
    /// From the result of `tools/call`. A model gets the texts and images; what is neither is named in its place, and whole in the details.
    init(mcp result: JSONValue) throws(ToolError) {
        guard let blocks = result["content"]?.array, blocks.allSatisfy({ $0["type"]?.string != nil }) else {
            throw .mcp("protocol", "its answer has no `content` as the protocol has it")
        }
        let structured = result["structuredContent"]
        var text = blocks.map(Self.text).joined(separator: "\n")
        if text.isEmpty { text = structured?.compact ?? "(no output)" }
        var details: JSONObject = [:]
        details["structured"] = structured
        let images = blocks.compactMap(Self.image)
        let others = blocks.filter { $0["type"] != "text" && Self.image($0) == nil }
        if !others.isEmpty { details["content"] = .array(others) }
        self.init(
            text: text, failed: result["isError"]?.bool == true,
            details: details.isEmpty ? nil : .object(details), images: images)
    }

    private static func image(_ block: JSONValue) -> ToolImage? {
        guard block["type"] == "image", let mime = block["mimeType"]?.string, let data = block["data"]?.string else {
            return nil
        }
        return ToolImage(mime: mime, data: data)
    }

    private static func text(of block: JSONValue) -> String {
        switch block["type"]?.string {
        case "text": block["text"]?.string ?? ""
        case "resource":
            block["resource"]?["text"]?.string ?? "[resource \(block["resource"]?["uri"]?.string?.head ?? "")]"
        case "resource_link": "[resource \(block["uri"]?.string?.head ?? "")]"
        case let type?:
            "[\(type) \(block["mimeType"]?.string?.head ?? ""), \((block["data"]?.string?.utf8.count ?? 0) / 4 * 3) bytes]"
        case nil: ""
        }
    }
}
