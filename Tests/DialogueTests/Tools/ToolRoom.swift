import JSON
import Plugins
import TestSupport
import Trace
import Workspaces

@testable import Dialogue

/// The shipped tools, in a workspace, with a trace.
struct ToolRoom {
    let dispatcher: ToolDispatcher
    let workspace: Workspace
    let trace: TestTrace

    static let catalog: PluginCatalog = {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        return PluginCatalog.load(from: [root + "/plugins"])
    }()

    static func tool(_ name: String) throws -> Plugin { try catalog.plugin(kind: .tool, named: name) }

    static func with<Value>(
        policy: Policy = Policy(), resources: ToolResources = ToolResources(), tasks: [JSONValue] = [],
        _ body: (ToolRoom) async throws -> Value
    ) async throws -> Value {
        let workspace = try await SharedHost.host.open(policy)
        do {
            let trace = try TestTrace()
            let provision = Provision(workspace: workspace, resources: resources, trace: trace.writer, tasks: tasks)
            let stage = PluginStage(seed: 1, id: "t1", trace: trace.writer)
            let dispatcher = ToolDispatcher(
                tools: catalog.plugins(kind: .tool).map { stage.tool($0, provision) }, trace: trace.writer,
                hostCalls: stage.hostCalls, seesImages: resources.agentSeesImages)
            let value = try await body(ToolRoom(dispatcher: dispatcher, workspace: workspace, trace: trace))
            await workspace.close()
            return value
        } catch {
            await workspace.close()
            throw error
        }
    }

    func call(_ name: String, _ arguments: JSONValue) async throws -> ToolResult {
        let call = ProposedCall(name: name, arguments: arguments.compact)
        return try await dispatcher.answer(IdentifiedCall(id: "c", call: call), turn: 1, parent: nil)
    }

    func write(_ path: String, _ text: String) async throws {
        try await workspace.write(path, Array(text.utf8))
    }
}
