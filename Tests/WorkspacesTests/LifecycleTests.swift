import Glibc
import Testing

@testable import Workspaces

@Suite struct LifecycleTests {
    @Test func `Closing ends every process`() async throws {
        let marker = "7\(getpid())3"
        let workspace = try await Shared.host.open()
        _ = try await workspace.exec(.shell("setsid sleep \(marker) & (sleep \(marker) &) ; true"))
        #expect(try await eventually { hostProcesses(withCommand: "sleep\0\(marker)").count == 2 })
        await workspace.close()
        #expect(hostProcesses(withCommand: "sleep\0\(marker)").isEmpty)
        #expect(!workspace.isOpen)
    }

    @Test func `After closing every request is refused`() async throws {
        let workspace = try await Shared.host.open()
        await workspace.close()
        await workspace.close()
        await #expect(throws: WorkspaceError.self) { _ = try await workspace.exec(.shell("true")) }
        await #expect(throws: WorkspaceError.self) { _ = try await workspace.read("x") }
    }

    @Test func `Closing while a command runs ends its wait`() async throws {
        let workspace = try await Shared.host.open()
        let task = Task { try await workspace.exec(.shell("sleep 1000")) }
        try await Task.sleep(for: .milliseconds(100))
        await workspace.close()
        await #expect(throws: WorkspaceError.self) { _ = try await task.value }
    }

    @Test func `A dropped workspace is killed`() async throws {
        let marker = "6\(getpid())4"
        func start() async throws {
            let workspace = try await Shared.host.open()
            _ = try await workspace.exec(.shell("sleep \(marker) &"))
        }
        try await start()
        #expect(try await eventually { hostProcesses(withCommand: "sleep\0\(marker)").isEmpty })
    }

    @Test func `Workspaces that wait ready are fresh and are replaced`() async throws {
        let host = try await WorkspaceHost.start()
        await host.prepare(2)
        for _ in 0..<6 {
            let workspace = try await host.open()
            #expect(try await workspace.exec(.shell("ls -A; touch used")).stdout.text == "")
            await workspace.close()
        }
        await host.shutdown()
    }

    @Test func `Many open and close at once`() async throws {
        try await withThrowingTaskGroup(of: String.self) { group in
            for index in 0..<40 {
                group.addTask { try await Shared.run("echo \(index) > f; cat f").stdout.text }
            }
            var seen: Set<String> = []
            for try await text in group { seen.insert(text) }
            #expect(seen.count == 40)
        }
    }

    @Test func `A shut down host leaves no launcher, no control group, no descriptor`() async throws {
        let host = try await WorkspaceHost.start()
        let workspace = try await host.open()
        _ = try await workspace.exec(.shell("sleep 500 &"))
        let groups = controlGroups()
        await host.shutdown()
        // Other tests start hosts meanwhile: what matters is that groups which were there are gone.
        #expect(!groups.isSubset(of: controlGroups()) || groups.isEmpty)
        await #expect(throws: WorkspaceError.self) { _ = try await host.open() }
        await #expect(throws: WorkspaceError.self) { _ = try await workspace.exec(.shell("true")) }
    }

    /// This process's own groups.
    private func controlGroups() -> Set<String> {
        var found: Set<String> = []
        for controller in ["memory", "pids", "cpu", "unified", "."] {
            guard let directory = opendir("/sys/fs/cgroup/\(controller)") else { continue }
            defer { closedir(directory) }
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name.hasPrefix("ise-\(getpid())-") { found.insert("\(controller)/\(name)") }
            }
        }
        return found
    }
}
