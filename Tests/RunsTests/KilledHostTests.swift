import Basics
import Glibc
import TestSupport
import Testing

@testable import Runs

/// `kill -9` of the process that opened workspaces, at whatever moment.
@Suite struct KilledHostTests {
    private static let rounds = 100
    private static let atOnce = 4

    @Test func `Of a hundred hosts that are killed at random moments nothing is left`() async throws {
        let number = "58\(getpid())7"
        let before = overlays()
        let dead = try await withThrowingTaskGroup(of: [pid_t].self) { group in
            for worker in 0..<Self.atOnce {
                group.addTask {
                    var random = SplitMix(seed: UInt64(worker))
                    var dead: [pid_t] = []
                    for _ in 0..<Self.rounds / Self.atOnce {
                        dead.append(try await killOne(number, after: .microseconds(Int(random.next() % 150_000))))
                    }
                    return dead
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(dead.count == Self.rounds)
        #expect(try await eventually { processes(with: "sleep\0\(number)\0") == 0 })
        // A start clears what its predecessors could not.
        #expect(try await sandbox("--", "true").status == 0)
        #expect(try await eventually { groups(of: Set(dead)).isEmpty }, "\(groups(of: Set(dead)))")
        #expect(overlays().subtracting(before) == [])
    }

    /// Its pid. All that it had started, at the moment of its death, has ended.
    private func killOne(_ number: String, after delay: Duration) async throws -> pid_t {
        let script = "sleep \(number) & setsid sleep \(number) & sleep \(number)"
        let host = try ISEProcess(["sandbox", "--", "sh", "-c", script])
        try await Task.sleep(for: delay)
        kill(host.pid, SIGSTOP)
        let family = descendants(of: host.pid).map { ($0, startTime($0)) }
        kill(host.pid, SIGKILL)
        #expect(try await host.ending().status == 128 + SIGKILL)
        let isOver = try await eventually { family.allSatisfy { startTime($0.0) != $0.1 || isZombie($0.0) } }
        #expect(isOver, "left: \(family.filter { startTime($0.0) == $0.1 }.map { text("/proc/\($0.0)/cmdline") })")
        return host.pid
    }

    // MARK: What the machine shows

    private func text(_ path: String) -> String {
        (try? TestSupport.readFile(path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// From the third field on.
    private func stat(_ pid: pid_t) -> [Substring] {
        text("/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
    }

    private func startTime(_ pid: pid_t) -> String? { stat(pid).dropFirst(19).first.map(String.init) }

    private func isZombie(_ pid: pid_t) -> Bool { stat(pid).first == "Z" }

    private func descendants(of pid: pid_t) -> [pid_t] {
        let threads = (try? Files.names(in: "/proc/\(pid)/task")) ?? []
        let children = threads.flatMap { text("/proc/\(pid)/task/\($0)/children").split(separator: " ") }
        return children.compactMap { pid_t($0) }.flatMap { [$0] + descendants(of: $0) }
    }

    private func processes(with command: String) -> Int {
        let pids = ((try? Files.names(in: "/proc")) ?? []).compactMap { pid_t($0) }
        return pids.count { text("/proc/\($0)/cmdline") == command }
    }

    private func groups(of hosts: Set<pid_t>) -> [String] {
        ["memory", "pids", "cpu", "unified", "."].flatMap { (try? Files.names(in: "/sys/fs/cgroup/\($0)")) ?? [] }
            .filter { name in
                let parts = name.split(separator: "-")
                return parts.count >= 3 && parts[0] == "ise" && pid_t(parts[1]).map(hosts.contains) == true
            }
    }

    private func overlays() -> Set<String> {
        Set(text("/proc/self/mountinfo").split(separator: "\n").filter { $0.contains(" - overlay ") }.map(String.init))
    }

    private func eventually(_ condition: () -> Bool) async throws -> Bool {
        for _ in 0..<1000 {
            if condition() { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}
