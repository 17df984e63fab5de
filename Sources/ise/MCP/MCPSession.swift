import Basics
import Dialogue
import Glibc
import JSON
import MCP
import Plugins
import Runs
import Skills
import Synchronization
import Trace
import Workspaces

/// One session of `ise mcp`, from the opening of its workspace to the end of its trace.
struct MCPSession {
    let policy: PolicyFile
    let tools: [Plugin]
    let resources: ToolResources
    let skills: [Skill]
    let workdir: String?
    let keep: String?
    let out: String
    let seed: UInt64

    private static let id = "session"
    /// Of calls whose line is a fault; a client in a loop must not fill the disk.
    private static let mostNotes = 1000

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    func serve() async throws {
        if let keep { try makeNew(keep) }
        defer { if let keep { rmdir(keep) } }  // only if there is nothing in it
        let directory = try RunDirectory.claim(out, configuration: configuration)
        let host: WorkspaceHost
        do { host = try await WorkspaceHost.start(try policy.hostOptions()) } catch {
            directory.abandon()
            throw error
        }
        do {
            let skills = try await selectSkills(on: host, directory)
            let workspace = try await host.open(effectivePolicy, binds: skills.binds)
            try await serve(in: workspace, directory, skills)
            await workspace.close()
        } catch {
            await host.shutdown()
            throw error
        }
        await host.shutdown()
    }

    /// All that are of use here.
    private func selectSkills(on host: WorkspaceHost, _ directory: RunDirectory) async throws -> SkillSelection {
        let workspace = try await host.open(effectivePolicy)
        let shelf = try await SkillShelf(
            skills, tools: tools.map(\.manifest.name), workspace: workspace, directory: directory.skills)
        await workspace.close()
        for skill in shelf.leftOut { warn("\(skill)") }
        return shelf.selection(of: [])
    }

    private func serve(in workspace: Workspace, _ directory: RunDirectory, _ skills: SkillSelection) async throws {
        let probe = try await workspace.liveProbe().verified()
        try await fill(workspace)
        let trace = try TraceWriter(
            id: Self.id, in: directory.trajectories, store: ContentStore(directory: directory.blobs))
        try trace.append(
            .start(
                trajectory: Self.id, seed: seed, ise: iseVersion, isolation: workspace.isolation.json,
                policy: policy.digest.description, probe: probe.json, settings: ["mcp": configuration]))
        try trace.append(.plugins(tools, others: skills.uses))
        let instructions = [instructions, skills.prompt].filter { !$0.isEmpty }.joined(separator: "\n\n")
        let log = LogRelay()
        let bound: @Sendable (inout ExecRequest) -> Void = { [policy] in policy.tighten(&$0) }
        let bench = try await ToolBench(
            tools: tools, workspace: workspace, resources: resources, seed: seed, id: Self.id, trace: trace,
            bound: bound, onLog: log.take)
        try trace.append(.prompt(system: instructions, tools: bench.definitions))
        let notes = Notes(trace: trace, most: Self.mostNotes)
        var options = MCPServer.Options(version: iseVersion, instructions: instructions)
        options.isClosedWorld = isClosedWorld
        let server = MCPServer(
            bench: bench, options: options, input: MessageInput(descriptor: STDIN_FILENO),
            output: MessageOutput(descriptor: STDOUT_FILENO), note: notes.take)
        Interrupts.watch { _ in Task { await server.stop() } }
        let relay = Task { await log.relay(to: server) }
        let ending = await server.run()
        log.end()
        await relay.value
        try await finish(trace, workspace, ending)
    }

    private func finish(_ trace: TraceWriter, _ workspace: Workspace, _ ending: MCPServer.Ending) async throws {
        var kept: KeptFiles?
        if let keep, workspace.isOpen {
            let files = try await workspace.keep(try await workspace.changes(), in: keep)
            let rest = files.leftOut.isEmpty ? "" : ", \(files.leftOut.count) left out"
            warn("kept \(counted(files.files.count, "file")) in \(keep)\(rest): see \(KeptFiles.manifestName) there")
            kept = files
        }
        if case .traceFailed(let reason) = ending {
            throw Failure(description: "the trace cannot be written: \(reason)")
        }
        let outcome = outcome(of: ending, workspace)
        var facts: JSONObject = [:]
        facts["kept"] = kept?.json
        try trace.append(.outcome(outcome.outcome.rawValue, reason: outcome.reason, facts: facts))
        let receipt = try await trace.finish(outcome: outcome.outcome.rawValue)
        warn("\(outcome.reason); \(receipt.events) events in \(trace.path)")
    }

    private func outcome(of ending: MCPServer.Ending, _ workspace: Workspace) -> Ending {
        guard workspace.isOpen else { return Ending(.infrastructure, "the workspace ended during the session") }
        switch ending {
        case .inputClosed: return Ending(.completed, "the client closed the session")
        case .outputClosed: return Ending(.completed, "the client went away")
        case .stopped, .traceFailed: return Ending(.cancelled, "the session was ended by a signal")
        }
    }

    private func fill(_ workspace: Workspace) async throws(WorkspaceError) {
        if let workdir {
            for entry in try await workspace.copyIn(workdir).leftOut {
                warn("not copied: \(entry.path): \(entry.reason)")
            }
        }
        if keep != nil { _ = try await workspace.changes() }  // what is kept counts from here
    }

    /// What is to be kept is looked up at the end, for which no command may have taken note of its changes before.
    private var effectivePolicy: Policy {
        var policy = policy.policy
        if keep != nil { policy.changeTracking = .off }
        return policy
    }

    private var isClosedWorld: Bool {
        switch policy.policy.network {
        case .none, .loopback: true
        case .allowList, .host: false
        }
    }

    private var configuration: JSONValue {
        var json: JSONValue = ["seed": .int(Int(clamping: seed)), "policy": policy.json]
        json["workdir_from"] = workdir.map(JSONValue.string)
        json["keep"] = keep.map(JSONValue.string)
        return json
    }

    private var instructions: String {
        """
        These tools act in a workspace of this session: a Linux machine with this machine's programs, on which commands really \
        run and files really change. It is not the machine of the client: its own files are not there. The home is \
        \(Workspace.home); what a call writes is there for the next one, and gone after the session.
        \(isClosedWorld ? "There is no network beyond the workspace." : "Its network is restricted by a policy.")
        """
    }

    private func makeNew(_ directory: String) throws {
        do throws(SystemError) { try Files.makeNewDirectory(directory) } catch {
            throw Failure(description: "\(error) (--keep)")
        }
    }
}

/// Takes lines from where nobody may wait to the one who sends them.
private struct LogRelay: Sendable {
    private typealias Line = (level: String, text: String, plugin: String)
    private let lines: AsyncStream<Line>
    private let continuation: AsyncStream<Line>.Continuation

    init() { (lines, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1000)) }

    var take: @Sendable (String, String, String) -> Void {
        { [continuation] level, text, plugin in continuation.yield((level, text, plugin)) }
    }

    func end() { continuation.finish() }

    func relay(to server: MCPServer) async {
        for await line in lines { await server.log(line.level, line.text, logger: line.plugin) }
    }
}

/// What the server notes, on standard error and in the trace; the first of it.
private final class Notes: Sendable {
    private let trace: TraceWriter
    private let left: Mutex<Int>

    init(trace: TraceWriter, most: Int) {
        self.trace = trace
        left = Mutex(most)
    }

    var take: @Sendable (String) -> Void {
        { [self] text in
            let isWanted = left.withLock { left in
                left -= 1
                return left >= 0
            }
            guard isWanted else { return }
            warn(text)
            // A trace that fails ends the session at the next call.
            _ = try? trace.append(.log("info", text, source: "mcp"))
        }
    }
}
