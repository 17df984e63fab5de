import Glibc
import Testing
@testable import Workspaces
@Suite struct Explore {
    @Test func explore() async throws {
        for p in [["mounts"],["new-mounts"],["unmounts"],["roots"],["handles"],["nodes"],["descriptors"],["init-files"],["attributes"],["runtime"],["links"],["namespaces"],["enter"],["capabilities"],["identities"],["trace"],["signals"],["options"],["priorities"],["limits"],["filters"],["foreign"],["terminals"],["forbidden"],["clocks"],["memory"],["families"],["usual-sockets"],["exhaust","descriptors"],["exhaust","inotify"],["exhaust","ptys"],["exhaust","aio"],["exhaust","signals"],["exhaust","processes"],["exhaust","zombies"],["crash"],["in-flight","0"]] {
            let seen = try await Target.withWorkspace { try await $0.probe(p) }
            print("==", p, seen.values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "), seen.result.stderr.text)
        }
        let s = try await Target.shell("echo out > /dev/stdout; echo err > /dev/stderr; ls -la /proc/self/fd; cat /proc/self/cgroup; cat /proc/self/mountinfo; ls -la /proc; cat /proc/self/limits")
        print(s.stdout.text, s.stderr.text)
    }
}
