import Glibc
import WorkspaceShim

extension Workspace {
    /// Looks at the walls from inside: made once in a workspace's life, before anything else shall run there. It takes what a
    /// command takes, and leaves nothing. A wall that is missing is a finding: see `LiveProbe.verified()`.
    ///
    /// - Throws: `closed`; `unavailable` when it does not come to its end.
    public func liveProbe() async throws(WorkspaceError) -> LiveProbe {
        let session = state.withLock { $0.session }
        if let known = session?.probe.withLock({ $0 }) { return known }
        let home = Self.hostHome
        var request = ExecRequest(argv: [home], directory: "/", timeout: .seconds(60))
        request.probesWalls = true
        let (command, _) = try send(request, EnforcedConfinement(confinement: Confinement()))
        let result = try await command.outcome.value.get()
        guard result.succeeded else {
            throw WorkspaceError(
                .unavailable,
                "the probe of the workspace's walls ended by \(result.endedBy.rawValue), with \(result.exitCode ?? -1)")
        }
        try await session?.opened.value.get()
        let host = LiveProbe.HostSide(
            namespaces: Self.hostNamespaces, uidMap: initPID.flatMap { Self.text("/proc/\($0)/uid_map") },
            home: Self.identity(of: home),
            heard: policy.reportsDenials ? Set(result.denials.map(\.syscall)) : nil)
        var probe = LiveProbe(output: result.stdout.text, host: host)
        probe.missing = probe.missingWalls(
            policy, startedAsRoot: isolation.startedAsRoot, showsHome: isShown(home))
        session?.probe.withLock { $0 = probe }
        return probe
    }

    /// Whether something that was asked for, or a system directory, lies over that path.
    private func isShown(_ home: String) -> Bool {
        let asked = template.options.binds.map(\.path) + binds.map(\.path)
        let system = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]
        let resolved = realpath(home, nil)
        defer { free(resolved) }
        let real = resolved.map { String(cString: $0) } ?? home
        return (asked + system).contains { path in
            [home, real].contains { $0 == path || $0.hasPrefix(path == "/" ? path : path + "/") }
        } || template.options.root == .directory("/")
    }

    // MARK: The host's side

    private static let hostHome: String = {
        if let home = getenv("HOME"), home.pointee == UInt8(ascii: "/") { return String(cString: home) }
        return getpwuid(geteuid()).map { String(cString: $0.pointee.pw_dir) } ?? "/root"
    }()

    private static func identity(of path: String) -> String? {
        var status = Glibc.stat()
        guard fstatat(AT_FDCWD, path, &status, 0) == 0, let directory = opendir(path) else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        return "\(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec) \(count)"
    }

    private static let hostNamespaces: Set<String> = Set(
        ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"].compactMap { kind in
            var target = [CChar](repeating: 0, count: 64)
            let length = readlink("/proc/self/ns/\(kind)", &target, target.count)
            return length > 0 ? String(decoding: target[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
        })

    private static func text(_ path: String) -> String? {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { Glibc.close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let length = Glibc.read(descriptor, &bytes, bytes.count)
        return length > 0 ? String(decoding: bytes[..<length], as: UTF8.self) : nil
    }
}
