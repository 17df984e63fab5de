import Glibc
import Workspaces

/// Very many commands in one process over several workspaces, some of which are opened and closed on the way: what the process
/// and the machine hold must not grow.
struct Soak {
    var execs = 100_000
    private let workspaces = 8

    /// True when nothing grew.
    func run() async throws -> Bool {
        let host = try await WorkspaceHost.start()
        var open: [Workspace] = []
        for _ in 0..<workspaces { open.append(try await host.open()) }
        try await burst(open, max(1, execs / 50))  // warms up what grows once: caches, threads, stacks
        var readings = [try await reading()]
        Self.show("execs", "fds", "RSS KiB", "launcher KiB", "mounts", "cgroups", "processes")
        readings[0].show(after: 0)
        for quarter in 1...4 {
            try await burst(open, execs / 4)
            // One in a hundred commands has a workspace of its own.
            for _ in 0..<execs / 400 {
                let workspace = try await host.open()
                _ = try await workspace.exec(ExecRequest(argv: ["/bin/true"]))
                await workspace.close()
            }
            readings.append(try await reading())
            readings[quarter].show(after: execs * quarter / 4)
        }
        for workspace in open { await workspace.close() }
        await host.shutdown()
        let problems = readings[0].growth(to: readings[4])
        print(problems.isEmpty ? "flat" : "not flat: " + problems.joined(separator: ", "))
        return problems.isEmpty
    }

    private func reading() async throws -> Reading {
        try await Task.sleep(for: .milliseconds(200))  // the launcher completes the workspaces that it keeps ready
        return Reading()
    }

    private func burst(_ open: [Workspace], _ count: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, workspace) in open.enumerated() {
                group.addTask {
                    for turn in 0..<count / open.count {
                        let request =
                            (turn + number).isMultiple(of: 10)
                            ? .shell("echo hi; echo x > file; (exit 3)") : ExecRequest(argv: ["/bin/true"])
                        _ = try await workspace.exec(request)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    fileprivate static func show(_ columns: String...) {
        print(columns.map { String(repeating: " ", count: max(0, 12 - $0.count)) + $0 }.joined(separator: " "))
    }
}

/// What this process and the machine hold for it.
private struct Reading {
    var descriptors = entries("/proc/self/fd").count
    var resident = procField("/proc/self/status", "VmRSS") ?? 0
    var launchers = children(of: getpid()).compactMap { procField("/proc/\($0)/status", "VmRSS") }.reduce(0, +)
    var mounts = lines("/proc/self/mountinfo")
    var groups = ["memory", "pids", "cpu", ""].map { entries("/sys/fs/cgroup/\($0)") }.joined()
        .filter { $0.hasPrefix("ise-\(getpid())-") }.count
    var processes = descendants(of: getpid())

    func show(after execs: Int) {
        Soak.show(
            "\(execs)", "\(descriptors)", "\(resident)", "\(launchers)", "\(mounts)", "\(groups)", "\(processes)")
    }

    /// Memory may vary by a few MiB, as the allocator likes; the others not at all.
    func growth(to last: Reading) -> [String] {
        var problems: [String] = []
        func check(_ name: String, _ before: Int, _ after: Int, slack: Int = 0) {
            if after > before + slack { problems.append("\(name) \(before) -> \(after)") }
        }
        check("fds", descriptors, last.descriptors)
        check("RSS KiB", resident, last.resident, slack: 8192)
        check("launcher KiB", launchers, last.launchers, slack: 1024)
        check("mounts", mounts, last.mounts)
        check("cgroups", groups, last.groups)
        check("processes", processes, last.processes)
        return problems
    }
}

private func entries(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        names.append(
            withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            })
    }
    return names
}

private func contents(_ path: String) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    let length = max(0, read(descriptor, &buffer, buffer.count))
    return String(decoding: buffer[..<length], as: UTF8.self)
}

private func lines(_ path: String) -> Int { contents(path).split(separator: "\n").count }

private func children(of pid: pid_t) -> [pid_t] {
    entries("/proc/\(pid)/task").flatMap { contents("/proc/\(pid)/task/\($0)/children").split(separator: " ") }
        .compactMap { pid_t($0) }
}

private func descendants(of pid: pid_t) -> Int {
    children(of: pid).map { 1 + descendants(of: $0) }.reduce(0, +)
}
