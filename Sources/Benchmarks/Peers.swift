import Glibc
import JSON

/// The sandboxes that are installed, each started as its users start it, as tight as it goes without a profile of its own.
struct Peers {
    /// What a bundle for the OCI runtimes needs; deleted at the end.
    private let bundle: BenchmarkDirectory?

    init() {
        bundle = Self.makeBundle()
    }

    func remove() { bundle?.remove() }

    /// Names and command lines that run `/bin/true` once.
    var commands: [(name: String, argv: [String])] {
        var commands: [(String, [String])] = []
        if let bwrap = Self.find("bwrap") {
            commands.append(
                (
                    "bwrap",
                    [
                        bwrap, "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", "--dev",
                        "/dev",
                        "--tmpfs", "/tmp", "/bin/true",
                    ]
                ))
        }
        if let firejail = Self.find("firejail") {
            commands.append(("firejail", [firejail, "--quiet", "--noprofile", "--net=none", "/bin/true"]))
        }
        if let bundle = bundle?.path, geteuid() == 0 {
            if let runc = Self.find("runc") {
                commands.append(("runc", [runc, "run", "--bundle", bundle, "ise-bench-runc"]))
            }
            if let crun = Self.find("crun") {
                commands.append(
                    ("crun", [crun, "--cgroup-manager=disabled", "run", "--bundle", bundle, "ise-bench-crun"]))
            }
        }
        // One that does not work here is left out, not measured failing.
        return commands.filter { (try? runOnHost($0.1)) != nil }
    }

    private static func find(_ program: String) -> String? {
        ["/usr/bin/", "/usr/sbin/", "/usr/local/bin/"].map { $0 + program }.first { access($0, X_OK) == 0 }
    }

    /// `/` read-only in the namespaces that a container has by default. The runtimes want it mounted at a place of its own, which
    /// `tools/bench` sees to.
    private static func makeBundle() -> BenchmarkDirectory? {
        guard geteuid() == 0, let root = getenv("ISE_BENCH_ROOT").map({ String(cString: $0) }) else { return nil }
        let mounts: [JSONValue] = [
            ["destination": "/proc", "type": "proc", "source": "proc"],
            ["destination": "/tmp", "type": "tmpfs", "source": "tmpfs"],
            // Without one of its own the runtime would set up its devices in the host's.
            ["destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]],
        ]
        let config: JSONValue = [
            "ociVersion": "1.0.2",
            "process": [
                "terminal": false, "user": ["uid": 0, "gid": 0], "args": ["/bin/true"], "cwd": "/",
                "noNewPrivileges": true,
                "env": ["PATH=/usr/bin:/bin"],
            ],
            "root": ["path": .string(root), "readonly": true], "hostname": "bench", "mounts": .array(mounts),
            "linux": [
                "namespaces": .array(["pid", "network", "ipc", "uts", "mount"].map { ["type": .string($0)] })
            ],
        ]
        guard let bundle = try? BenchmarkDirectory() else { return nil }
        guard (try? bundle.write("config.json", String(decoding: config.compactBytes, as: UTF8.self))) != nil else {
            bundle.remove()
            return nil
        }
        return bundle
    }
}
