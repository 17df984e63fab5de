import JSON
import Models
import Plugins
import Trace
import Workspaces

/// What the tools of one dialogue share beside its workspace: jobs, what they keep, and what the run does for them.
struct Provision: Sendable {
    let workspace: Workspace
    let resources: ToolResources
    let trace: TraceWriter
    /// Puts bounds on every command that a tool runs.
    let bound: (@Sendable (inout ExecRequest) -> Void)?
    let jobs = JobTable()
    /// The dialogues of a trajectory share what plugins keep.
    let store: PluginStore
    let corpus: Corpus
    let embedder: RecordedEmbedder?
    var desk: SessionDesk?
    var schedule: Schedule?
    /// Does what a scheduled entry says.
    var fire: @Sendable (Schedule.Entry) async -> Void = { _ in }

    /// - Parameter tasks: of the scenario; they may bring pages of the web.
    init(
        workspace: Workspace, resources: ToolResources, trace: TraceWriter, tasks: [JSONValue] = [],
        store: PluginStore = PluginStore(), bound: (@Sendable (inout ExecRequest) -> Void)? = nil
    ) {
        self.bound = bound
        self.workspace = workspace
        self.resources = resources
        self.trace = trace
        self.store = store
        corpus = Corpus(tasks)
        embedder = resources.embeddings.map { RecordedEmbedder(client: $0, trace: trace) }
    }

    /// Gives a tool all that its manifest lets it use.
    func equip(_ services: inout HostServices, for plugin: Plugin, chat: RecordedChat?, log: HostCallLog) {
        let name = plugin.manifest.name
        services.workspace = bound.map { BoundedWorkspace(workspace: workspace, bound: $0) } ?? workspace
        services.jobs = jobs
        services.store = store
        services.onJobEnd = { id, request, result in log.append(.job(id: id, request, result)) }
        services.onAction = { log.append(.action($0, plugin: name)) }
        if let chat { services.chat = { request in try await chat.answer(request) } }
        if let embedder { services.embed = { request in try await embedder.answer(request) } }
        let web = WebService(
            network: workspace.policy.network, corpus: corpus, http: resources.http, search: resources.search,
            charge: { [workspace] in workspace.chargeEgress($0) })
        services.functions = web.functions(for: plugin, log: log)
        services.functions.merge(MemoryService(workspace: workspace, embedder: embedder).functions) { $1 }
        if let desk { services.functions.merge(desk.functions) { $1 } }
        if let schedule { services.functions.merge(schedule.functions(fire: fire)) { $1 } }
    }

    /// Records the jobs that nobody has looked at to their end; those that still run end with the workspace.
    func recordJobs(turn: Int?) throws(TraceError) {
        let log = HostCallLog()
        for ended in jobs.takeEnded() { log.append(.job(id: ended.id, ended.job.request, ended.result)) }
        try log.write(to: trace, turn: turn)
        for entry in jobs.entries where entry.job.result == nil {
            let argv = entry.job.request.argv.map { JSONValue.string(String(decoding: $0, as: UTF8.self)) }
            try trace.append(
                .log(
                    "info", "\(entry.id) still runs at the end of the dialogue", source: "jobs",
                    fields: ["job": .string(entry.id), "argv": .array(argv)], turn: turn))
        }
    }
}
