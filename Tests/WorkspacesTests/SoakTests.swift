import Glibc
import Testing

@testable import Workspaces

/// Many commands in one process. `tools/bench soak` runs a hundred thousand and looks at memory, too, which other tests disturb here.
@Suite struct SoakTests {
    @Test func `After thousands of commands no process of theirs, no file and no channel is left`() async throws {
        let ended = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            let host = try await WorkspaceHost.start()
            let workspace = try await host.open()
            func descriptors() -> Int {
                var count = 0
                guard let directory = opendir("/proc/self/fd") else { return -1 }
                while readdir(directory) != nil { count += 1 }
                closedir(directory)
                return count
            }
            func mounts() -> Int { hostFile("/proc/self/mountinfo").split(separator: "\n").count }
            func round(_ count: Int) async throws {
                for number in 0..<count {
                    let isOdd = number.isMultiple(of: 2)
                    _ = try await workspace.exec(isOdd ? .shell("echo hi; echo x > file") : ExecRequest(argv: ["true"]))
                    guard number.isMultiple(of: 100) else { continue }
                    let other = try await host.open()
                    _ = try await other.exec(.shell("sleep 5000 &"))
                    await other.close()
                }
            }
            try await round(300)
            let before = (descriptors(), mounts())
            try await round(3000)
            let after = (descriptors(), mounts())
            precondition(before.0 > 0 && after.0 <= before.0, "descriptors: \(before.0) -> \(after.0)")
            precondition(after.1 <= before.1, "mounts: \(before.1) -> \(after.1)")
            let pid = workspace.initPID ?? 0
            let children = hostFile("/proc/\(pid)/task/\(pid)/children")
            precondition(children.isEmpty, "processes: \(children)")
            await host.shutdown()
        }
        let said = String(decoding: ended?.standardErrorContent ?? [], as: UTF8.self)
        #expect(!said.contains("Fatal"), "\(said)")
    }
}
