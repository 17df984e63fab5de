import ArgumentParser
import Workspaces

/// One option a key of a policy. They win over the file.
struct PolicyOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A policy file; see --policy-schema.", valueName: "file"))
    var policy: String?

    @Option(help: .key("network")) var network: String?
    @Option(help: .key("egress.allow")) var allow: [String] = []
    @Option(help: .key("egress.connections")) var egressConnections: String?
    @Option(help: .key("egress.total_bytes")) var egressTotalBytes: String?
    @Option(help: .key("egress.idle")) var egressIdle: String?
    @Option(help: .key("egress.connect")) var egressConnect: String?
    @Option(help: .key("identity")) var identity: String?
    @Option(help: .key("limits.disk")) var disk: String?
    @Option(help: .key("limits.inodes")) var inodes: String?
    @Option(help: .key("limits.memory")) var memory: String?
    @Option(help: .key("limits.processes")) var processes: String?
    @Option(help: .key("limits.cpu_percent")) var cpuPercent: String?
    @Option(help: .key("limits.open_files")) var openFiles: String?
    @Option(help: .key("limits.file_bytes")) var fileBytes: String?
    @Option(help: .key("limits.required")) var required: [String] = []
    @Option(help: .key("exec.timeout")) var timeout: String?
    @Option(help: .key("exec.silence")) var silence: String?
    @Option(help: .key("exec.cpu_seconds")) var cpuSeconds: String?
    @Option(help: .key("exec.output")) var output: String?
    @Option(help: .key("changes")) var changes: String?
    @Option(help: .key("denials")) var denials: String?
    @Option(help: .key("process_tree")) var processTree: String?
    @Option(help: .key("root")) var root: String?
    @Option(help: .key("binds")) var bind: [String] = []

    /// Every key with what was given for it.
    private var given: [(key: String, texts: [String])] {
        func one(_ key: String, _ text: String?) -> (String, [String]) { (key, text.map { [$0] } ?? []) }
        return [
            one("network", network), ("egress.allow", allow), one("egress.connections", egressConnections),
            one("egress.total_bytes", egressTotalBytes), one("egress.idle", egressIdle),
            one("egress.connect", egressConnect), one("identity", identity), one("limits.disk", disk),
            one("limits.inodes", inodes), one("limits.memory", memory), one("limits.processes", processes),
            one("limits.cpu_percent", cpuPercent), one("limits.open_files", openFiles),
            one("limits.file_bytes", fileBytes), ("limits.required", required), one("exec.timeout", timeout),
            one("exec.silence", silence), one("exec.cpu_seconds", cpuSeconds), one("exec.output", output),
            one("changes", changes), one("denials", denials), one("process_tree", processTree),
            one("root", root), ("binds", bind),
        ]
    }

    /// The policy of these options alone, to tell a wrong command line from a wrong file.
    func validate() throws {
        do { _ = try applied(to: PolicyFile()) } catch { throw ValidationError(error.message) }
    }

    /// - Throws: `invalidPolicy`, or why the file cannot be read.
    func effective() throws(WorkspaceError) -> PolicyFile {
        var file = PolicyFile()
        if let policy { file = try PolicyFile(path: policy) }
        file = try applied(to: file)
        try file.check()
        return file
    }

    private func applied(to file: PolicyFile) throws(WorkspaceError) -> PolicyFile {
        var file = file
        for (name, texts) in given where !texts.isEmpty {
            guard let key = PolicyFile.key(named: name) else { continue }
            try file.set(key, toOptions: texts)
        }
        return file
    }
}

extension ArgumentHelp {
    fileprivate static func key(_ name: String) -> ArgumentHelp {
        guard let key = PolicyFile.key(named: name) else { return "" }
        return ArgumentHelp("\(key.helpWithDefault)", valueName: key.valueName)
    }
}
