import Basics
import Glibc
import JSON
import Plugins
import Synchronization
import Workspaces

/// One call of a plugin by hand, in a real workspace.
public struct PluginCall: Sendable {
    public var plugin: Plugin
    public var function: String
    public var arguments: [JSONValue]
    public var config: JSONValue = [:]
    public var seed: UInt64 = 1
    /// A directory of this machine whose files are copied into the workspace's home first.
    public var source: String?
    /// A new directory that gets the files which the call made or changed.
    public var keep: String?

    public struct Outcome: Sendable {
        public var record: CallRecord
        /// Lines that the plugin logged.
        public var log: [String]
        public var wall: Duration
        /// What could not be copied into the workspace, or out of it.
        public var leftOut: [String] = []
    }

    /// `function`: nil for the one that the plugin's kind is there for.
    public init(_ plugin: Plugin, function: String? = nil, arguments: [JSONValue]) throws(AuthoringError) {
        self.plugin = plugin
        self.arguments = arguments
        guard let function = function ?? plugin.manifest.kind.functions.first else {
            throw AuthoringError("a library has no function of its kind; name one with --function")
        }
        self.function = function
    }

    /// - Throws: when there can be no workspace, or a directory cannot be copied. What the plugin raises is in the record.
    public func run() async throws(AuthoringError) -> Outcome {
        if let keep {
            do throws(SystemError) { try Files.makeNewDirectory(keep) } catch { throw AuthoringError(error) }
        }
        do throws(WorkspaceError) {
            let host = try await WorkspaceHost.start()
            let outcome: Result<Outcome, WorkspaceError>
            do throws(WorkspaceError) { outcome = .success(try await run(on: host)) } catch {
                outcome = .failure(error)
            }
            await host.shutdown()
            return try outcome.get()
        } catch {
            if let keep { rmdir(keep) }  // only if there is nothing in it
            throw AuthoringError(error.message)
        }
    }

    private func run(on host: WorkspaceHost) async throws(WorkspaceError) -> Outcome {
        var policy = Policy()
        if keep != nil { policy.changeTracking = .metadata }
        let workspace = try await host.open(policy)
        var leftOut: [String] = []
        if let source {
            leftOut += try await workspace.copyIn(source).leftOut.map { "not copied in: \($0.path): \($0.reason)" }
        }
        if keep != nil { _ = try await workspace.changes() }  // what is changed counts from here
        let changed = Mutex<[String: FileChange]>([:])
        var outcome = await call(in: workspace) { _, result in
            changed.withLock { changed in for change in result.changes ?? [] { changed[change.path] = change } }
        }
        if let keep {
            let rest = try await workspace.changes()
            let changes = changed.withLock { changed in
                for change in rest { changed[change.path] = change }
                return changed.values.sorted { $0.path < $1.path }
            }
            let kept = try await workspace.keep(changes, in: keep)
            leftOut += kept.leftOut.map { "not kept: \($0.path): \($0.reason)" }
        }
        await workspace.close()
        outcome.leftOut = leftOut
        return outcome
    }

    private func call(
        in workspace: Workspace, observer: @escaping @Sendable (ExecRequest, ExecResult) -> Void
    ) async -> Outcome {
        let rehearsal = Rehearsal(observer: observer)
        var services = rehearsal.services(workspace)
        services.now = HostServices().now
        let start = ContinuousClock.now
        let result: Result<JSONValue, PluginError>
        do throws(PluginError) {
            let instance = try await PluginInstance(plugin, host: services, seed: seed, config: config)
            result = .success(try await instance.call(function, arguments))
        } catch {
            result = .failure(error)
        }
        let record = CallRecord(
            function: function, arguments: .array(arguments), result: result, hostCalls: rehearsal.hostCalls)
        return Outcome(record: record, log: rehearsal.log, wall: ContinuousClock.now - start)
    }
}
