import Glibc

/// Reads what the control groups of one workspace have counted. The launcher makes them; their names are known here.
struct ControlGroups: Sendable {
    /// Of this host's launcher.
    let name: String
    let controllers: [String]
    /// Where the tree of version 2 begins for this host; nil: at its mount.
    var delegated: String?

    /// How often each limit was hit since the workspace was opened. `group` is the number that its groups bear.
    func hits(of group: UInt32) -> [Limits.Kind: Int] {
        var hits: [Limits.Kind: Int] = [:]
        for controller in controllers {
            let v2 = controller == "v2"
            if v2 || controller == "memory" {
                let file = v2 ? "memory.events" : "memory.oom_control"
                hits[.memory] = count("oom_kill", in: file, of: controller, group)
            }
            if v2 || controller == "pids" {
                hits[.processes] = count("max", in: "pids.events", of: controller, group)
            }
        }
        return hits
    }

    private func count(_ key: String, in file: String, of controller: String, _ group: UInt32) -> Int {
        let v2 = delegated.map { [$0] } ?? ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        let roots = controller == "v2" ? v2 : ["/sys/fs/cgroup/\(controller)"]
        for root in roots {
            let lines = Self.read("\(root)/\(name)/\(group)/\(file)").split(separator: "\n")
            for line in lines where line.hasPrefix(key + " ") { return Int(line.dropFirst(key.count + 1)) ?? 0 }
        }
        return 0
    }

    private static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let length = max(0, Glibc.read(descriptor, &buffer, buffer.count))
        return String(decoding: buffer[..<length], as: UTF8.self)
    }
}
