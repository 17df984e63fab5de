import Lua
import Workspaces

/// Starts the processes in which plugins that are not trusted run: each in a workspace of its own, without a network and
/// with nothing of a trajectory in it, so that a fault of the interpreter leads nowhere.
public actor PluginWorkers {
    /// Stands in the worker's place in tests.
    private let command: [String]?
    private var starting: Task<Result<WorkspaceHost, WorkspaceError>, Never>?
    private var prepared: Set<Policy> = []

    private static let worker = EmbeddedProgram.decode(luaWorkerBase64)

    public init() { command = nil }

    init(command: [String]) { self.command = command }

    /// Ends all workers. Those that are asked for later are refused.
    public func shutdown() async {
        let starting = starting
        self.starting = Task { .failure(WorkspaceError(.closed, "the workers are shut down")) }
        if case .success(let host)? = await starting?.value { await host.shutdown() }
    }

    /// A worker for a state of so many bytes.
    func connect(memory: Int) async throws(LuaError) -> any LuaWorkerChannel {
        do throws(WorkspaceError) {
            let host = try await host()
            let policy = Self.policy(memory)
            // Workspaces that wait ready halve the start.
            if prepared.insert(policy).inserted { Task { await host.prepare(2, policy: policy) } }
            let workspace = try await host.open(policy)
            if command == nil { try await workspace.write(Self.name, Self.worker, mode: 0o555) }
            return WorkerJob(try await workspace.start(request), in: workspace)
        } catch {
            throw LuaError(
                .unavailable,
                "no worker process could be started for a plugin that is not trusted: \(error.message)")
        }
    }

    private static let name = "lua-worker"

    private var request: ExecRequest {
        let program = Workspace.home + "/" + Self.name
        var request = ExecRequest(argv: command ?? [program], timeout: .zero, outputLimit: 0)
        request.keepsInput = true
        request.streamsOutput = true
        request.confinement.writes = false
        if command == nil { request.confinement.programs = [program] }
        request.confinement.network = .none
        return request
    }

    /// The next power of two over what the state and the values on their way can take: few policies, so that their
    /// workspaces can wait ready.
    private static func policy(_ memory: Int) -> Policy {
        var policy = Policy()
        policy.network = .none
        policy.limits.memoryBytes = 128 << 20
        while let bytes = policy.limits.memoryBytes, bytes < memory + memory / 2 + (96 << 20) {
            policy.limits.memoryBytes = bytes * 2
        }
        policy.limits.diskBytes = 16 << 20
        policy.limits.inodes = 256
        policy.limits.processes = 8
        policy.limits.openFiles = 32
        policy.reportsDenials = false
        return policy
    }

    private func host() async throws(WorkspaceError) -> WorkspaceHost {
        if let starting { return try await starting.value.get() }
        let task = Task { () -> Result<WorkspaceHost, WorkspaceError> in
            do throws(WorkspaceError) { return .success(try await WorkspaceHost.start()) } catch {
                return .failure(error)
            }
        }
        starting = task
        let result = await task.value
        if case .failure = result { starting = nil }  // the next one tries again
        return try result.get()
    }
}

/// A worker process and its workspace, which go together.
final class WorkerJob: LuaWorkerChannel {
    private let job: Job
    private let workspace: Workspace
    private let output: OutputChunks

    init(_ job: Job, in workspace: Workspace) {
        self.job = job
        self.workspace = workspace
        output = job.chunks(of: .stdout)
    }

    func send(_ bytes: [UInt8]) async -> Bool { job.write(bytes) }

    func receive() async -> [UInt8]? {
        var output = output.makeAsyncIterator()
        return await output.next()
    }

    /// No more requests: it ends once it has answered.
    func finishInput() { job.finishInput() }

    func kill() {
        job.kill()
        Task { [workspace] in await workspace.close() }
    }
}
