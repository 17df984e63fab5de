import Basics
import JSON
import Plugins
import Synchronization
import Workspaces

/// What a plugin's specs, run for real, made of its permissions.
public struct Audit: Sendable {
    public let plugin: Plugin
    public let results: [TestResult]
    /// Sorted; of host calls, and of the programs that it ran.
    public let filesRead: [String], filesWritten: [String], filesWrittenByPrograms: [String]
    public let programs: [String], hosts: [String]
    /// Programs that those started, by their names: an allow-list of programs must have these, too.
    public let programsStarted: [String]
    /// Host functions that it called.
    public let functions: Set<String>
    /// Whether the specs pass, too, with ``smallest``; nil when it is what is declared.
    public private(set) var smallestPasses: Bool?

    /// Runs the specs, and again with the smallest permissions.
    public static func run(_ plugin: Plugin, host: WorkspaceHost) async throws(AuthoringError) -> Audit {
        let seen = Observations()
        let results = try await runSpecs(plugin, host, seen)
        var audit = Audit(plugin, results, seen.state.withLock { $0 })
        if audit.smallest != plugin.manifest.json["permissions"] ?? [:], let narrowed = audit.narrowed() {
            let again = try await runSpecs(narrowed, host, Observations())
            audit.smallestPasses = zip(results, again).allSatisfy { ($0.failure == nil) == ($1.failure == nil) }
        }
        return audit
    }

    private static func runSpecs(
        _ plugin: Plugin, _ host: WorkspaceHost, _ seen: Observations
    ) async throws(AuthoringError) -> [TestResult] {
        var options = SpecRunner.Options()
        options.fake = plugin.manifest.kind != .tool
        options.real = plugin.manifest.kind == .tool
        var runner = SpecRunner(plugin, options, host: options.real ? host : nil)
        runner.observer = { request, result in seen.note(request, result) }
        let results = try await runner.run()
        for record in results.flatMap(\.records) { for call in record.hostCalls { seen.note(call) } }
        return results
    }

    private init(_ plugin: Plugin, _ results: [TestResult], _ seen: Observations.State) {
        self.plugin = plugin
        self.results = results
        filesRead = seen.read.sorted()
        filesWritten = seen.written.sorted()
        filesWrittenByPrograms = seen.writtenByPrograms.sorted()
        programs = seen.programs.sorted()
        programsStarted = seen.started.subtracting(seen.programs.map { lastName(of: $0) }).sorted()
        hosts = seen.hosts.sorted()
        functions = seen.functions
    }

    // MARK: The smallest manifest

    /// The declared permissions without what no spec needed.
    public var smallest: JSONValue {
        let declared = plugin.manifest.permissions
        var object = JSONObject()
        let files = declared.files.compactMap { file -> JSONValue? in
            let reads = file.reads && filesRead.contains(where: file.pattern.matches)
            let writes = file.writes && (filesWritten + filesWrittenByPrograms).contains(where: file.pattern.matches)
            guard reads || writes else { return nil }
            return [
                "path": .string(file.pattern.description), "mode": .string((reads ? "r" : "") + (writes ? "w" : "")),
            ]
        }
        if !files.isEmpty { object["fs"] = .array(files) }
        if !programs.isEmpty {
            object["exec"] =
                declared.programs.contains("*") ? ["*"] : JSONValue(declared.programs.filter(programs.contains))
        }
        if !hosts.isEmpty || usesNetwork { object["network"] = JSONValue(declared.network) }
        for (key, permission) in [("model", HostPermission.model), ("sessions", .sessions), ("schedule", .schedule)]
        where uses(permission) {
            object[key] = true
        }
        if uses(.state) { object["state_kb"] = .int(max(1, declared.state >> 10)) }
        if !declared.environment.isEmpty { object["env"] = JSONValue(declared.environment) }
        return .object(object)
    }

    private func uses(_ permission: HostPermission) -> Bool {
        functions.contains { HostReference.function($0)?.permission?.key == permission.key }
    }

    private var usesNetwork: Bool {
        // Programs may use it without being seen, as long as no allow-list stands between.
        !plugin.manifest.permissions.network.isEmpty && (uses(.network) || !programs.isEmpty)
    }

    /// The plugin with the smallest permissions.
    private func narrowed() -> Plugin? {
        var json = plugin.manifest.json
        json["permissions"] = smallest
        guard let manifest = try? PluginManifest(json) else { return nil }
        var plugin = plugin
        plugin.manifest = manifest
        return plugin
    }

    // MARK: Reports

    public var text: String {
        let permissions = plugin.manifest.permissions
        func list(_ items: [String], _ limit: Int = 6) -> String {
            guard !items.isEmpty else { return "–" }
            return items.prefix(limit).joined(separator: ", ")
                + (items.count > limit ? ", and \(items.count - limit) more" : "")
        }
        func row(_ title: String, _ declared: String, _ observed: String) -> String {
            let left = title + String(repeating: " ", count: max(1, 24 - title.count))
            return "  " + left + declared + String(repeating: " ", count: max(1, 22 - declared.count)) + observed
        }
        let failed = results.count { $0.failure != nil }
        var lines = [
            "\(plugin.title): \(counted(results.count, "test"))\(failed > 0 ? ", \(failed) failed" : "")",
            row("", "declared", "observed"),
        ]
        lines.append(
            row("files read", list(permissions.files.filter(\.reads).map(\.pattern.description)), list(filesRead)))
        lines.append(
            row(
                "files written", list(permissions.files.filter(\.writes).map(\.pattern.description)), list(filesWritten)
            ))
        lines.append(row("  by its programs", "", list(filesWrittenByPrograms)))
        lines.append(row("programs", list(permissions.programs), list(programs)))
        lines.append(row("  started by those", "", list(programsStarted)))
        lines.append(row("network", list(permissions.network), list(hosts)))
        lines.append(row("model", permissions.model ? "yes" : "–", uses(.model) ? "yes" : "–"))
        lines.append("  the smallest manifest that would do: \"permissions\": \(smallest.compact)")
        switch smallestPasses {
        case true?: lines.append("  the specs pass with it, too")
        case false?:
            lines.append(
                "  the specs do not pass with it: something that they need was not seen, such as programs that others start"
            )
        case nil: lines.append("  that is what is declared")
        }
        return lines.joined(separator: "\n")
    }

    public var json: JSONValue {
        var object: JSONObject = [
            "plugin": .string(plugin.title), "tests": .int(results.count),
            "failed": .int(results.count { $0.failure != nil }),
            "declared": plugin.manifest.json["permissions"] ?? [:],
            "observed": [
                "files_read": JSONValue(filesRead), "files_written": JSONValue(filesWritten),
                "files_written_by_programs": JSONValue(filesWrittenByPrograms), "programs": JSONValue(programs),
                "programs_started": JSONValue(programsStarted),
                "hosts": JSONValue(hosts), "functions": JSONValue(functions.sorted()),
            ],
            "smallest": smallest,
        ]
        object["smallest_passes"] = smallestPasses.map { .bool($0) }
        return .object(object)
    }
}

/// What was seen while the specs ran.
private final class Observations: Sendable {
    struct State: Sendable {
        var read: Set<String> = [], written: Set<String> = [], writtenByPrograms: Set<String> = []
        var programs: Set<String> = [], started: Set<String> = [], hosts: Set<String> = [], functions: Set<String> = []
    }

    let state = Mutex(State())

    func note(_ request: ExecRequest, _ result: ExecResult) {
        state.withLock { state in
            if let program = request.argv.first { state.programs.insert(String(decoding: program, as: UTF8.self)) }
            for process in result.processes ?? [] {
                if let program = process.argv.first { state.started.insert(lastName(of: program)) }
            }
            for change in result.changes ?? [] { state.writtenByPrograms.insert(change.path) }
            for attempt in result.networkAttempts { state.hosts.insert("\(attempt.host):\(attempt.port)") }
        }
    }

    func note(_ call: HostCall) {
        state.withLock { state in
            state.functions.insert(call.function)
            let first = call.arguments.array?.first
            switch call.function {
            case "ws.read", "ws.list", "ws.stat", "memory.search", "memory.get":
                if let path = first?.string { state.read.insert(path) }
            case "ws.write", "ws.remove", "ws.mkdir": if let path = first?.string { state.written.insert(path) }
            case "ws.start": if let program = first?.array?.first?.string { state.programs.insert(program) }
            case "http.fetch": if let url = first?["url"]?.string { state.hosts.insert(url) }
            default: break
            }
        }
    }
}
