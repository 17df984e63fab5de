import Glibc
import JSON
import Workspaces

/// Opening, executing, closing, against the host and against the sandboxes that are installed.
struct WorkspaceBenchmark {
    var rounds = 200

    func run() async throws -> JSONValue {
        let host = try await WorkspaceHost.start()
        let warm = try await host.open()
        var cases = Cases()
        addHostCases(&cases)
        addWorkspaceCases(&cases, host, warm)
        try await cases.measure(rounds: rounds)
        let throughput = try await measureThroughput(host)
        await host.shutdown()
        return report(cases, throughput)
    }

    private func addHostCases(_ cases: inout Cases) {
        cases.add("host: true") { try await timed { _ = try runOnHost(["/bin/true"]) } }
        cases.add("host: sh -c") { try await timed { _ = try runOnHost(["/bin/sh", "-c", "echo hi"]) } }
        guard access("/usr/bin/bwrap", X_OK) == 0 else { return }
        let bwrap = [
            "/usr/bin/bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev",
            "--tmpfs", "/tmp", "/bin/true",
        ]
        cases.add("bwrap: true") { try await timed { _ = try runOnHost(bwrap) } }
    }

    private func addWorkspaceCases(_ cases: inout Cases, _ host: WorkspaceHost, _ warm: Workspace) {
        let isTrue = ExecRequest(argv: ["/bin/true"])
        cases.add("ise: open") {
            var opened: Workspace?
            let time = try await timed { opened = try await host.open() }
            await opened?.close()
            return time
        }
        cases.add("ise: close") {
            let workspace = try await host.open()
            return await timed { await workspace.close() }
        }
        cases.add("ise: open+true+close") {
            try await timed {
                let workspace = try await host.open()
                _ = try await workspace.exec(isTrue)
                await workspace.close()
            }
        }
        cases.add("ise: true") { try await timed { _ = try await warm.exec(isTrue) } }
        cases.add("ise: sh -c") { try await timed { _ = try await warm.exec(.shell("echo hi")) } }
    }

    /// Execs of /bin/true a second with as many in flight as there are workspaces.
    private func measureThroughput(_ host: WorkspaceHost) async throws -> [(Int, Double)] {
        var rates: [(Int, Double)] = []
        for count in [1, 2, 4, 8, 16] {
            var workspaces: [Workspace] = []
            for _ in 0..<count { workspaces.append(try await host.open()) }
            let each = 1600 / count
            let time = try await timed {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for workspace in workspaces {
                        group.addTask {
                            for _ in 0..<each { _ = try await workspace.exec(ExecRequest(argv: ["/bin/true"])) }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            for workspace in workspaces { await workspace.close() }
            rates.append((count, Double(each * count) / (time / .seconds(1))))
        }
        return rates
    }

    private func report(_ cases: Cases, _ throughput: [(Int, Double)]) -> JSONValue {
        var figures = JSONObject()
        for name in cases.names {
            guard let sample = cases.samples[name] else { continue }
            let row = [0.1, 0.5, 0.9].map { sample.percentile($0) }
            print(pad(name, 24), row.map { pad(String(Int($0)), 8, left: true) }.joined(), "µs p10 p50 p90")
            figures[name] = ["p10": .double(row[0]), "p50": .double(row[1]), "p90": .double(row[2])]
        }
        for (count, rate) in throughput {
            print(pad("ise: \(count) in flight", 24), pad(String(Int(rate)), 8, left: true), "true/s")
            figures["throughput\(count)"] = .double(rate)
        }
        func median(_ name: String) -> Double? { cases.samples[name]?.median }
        func ratio(_ a: String, _ b: String) -> JSONValue {
            guard let a = median(a), let b = median(b) else { return .null }
            return .double((a / b * 1000).rounded() / 1000)
        }
        return [
            "ratios": [
                "open_exec_close_vs_bwrap": ratio("ise: open+true+close", "bwrap: true"),
                "warm_exec_vs_host": ratio("ise: true", "host: true"),
                "warm_shell_vs_host": ratio("ise: sh -c", "host: sh -c"),
            ],
            "figures_us": .object(figures),
        ]
    }

    private func pad(_ text: String, _ width: Int, left: Bool = false) -> String {
        let space = String(repeating: " ", count: max(0, width - text.count))
        return left ? space + text : text + space
    }
}
