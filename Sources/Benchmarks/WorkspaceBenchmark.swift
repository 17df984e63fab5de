import Glibc
import JSON
import Workspaces

/// Opening, executing, closing: against the host itself and against the sandboxes that are installed.
struct WorkspaceBenchmark {
    var rounds = 100
    /// Workspaces that are held open at once.
    var held = 1000

    func run() async throws -> Report {
        var report = Report()
        let host = try await WorkspaceHost.start()
        try await measureLatency(host, &report)
        try await measureThroughput(host, &report)
        try await measureBackToBack(host, &report)
        try await measureMemory(host, &report)  // before a gigabyte comes and goes
        try await measureFork(host, &report)
        await host.shutdown()
        addRatios(&report)
        return report
    }

    // MARK: Latency

    private func measureLatency(_ host: WorkspaceHost, _ report: inout Report) async throws {
        let peers = Peers()
        defer { peers.remove() }
        let warm = try await host.open()
        var cases = Cases()
        cases.add("host: true") {
            // What the cases before left to be done is done, and the machine is awake.
            try await pause()
            for _ in 0..<3 { _ = try runOnHost(["/bin/true"]) }
            return try await timed { _ = try runOnHost(["/bin/true"]) }
        }
        cases.add("host: sh -c") { try await timed { _ = try runOnHost(["/bin/sh", "-c", "echo hi"]) } }
        cases.add("ise: true") {
            for _ in 0..<3 { _ = try await warm.exec(isTrue) }  // as on the host: warm is what is compared
            return try await timed { _ = try await warm.exec(isTrue) }
        }
        cases.add("ise: sh -c") { try await timed { _ = try await warm.exec(.shell("echo hi")) } }
        try await addVariants(&cases, host)
        for (name, argv) in peers.commands {
            cases.add("\(name): true") { try await timed { _ = try runOnHost(argv) } }
        }
        addOpening(&cases, host)
        try await cases.measure(rounds: rounds)
        await warm.close()
        for name in cases.names { report.add(name, cases.samples[name] ?? Sample()) }
    }

    private var isTrue: ExecRequest { ExecRequest(argv: ["/bin/true"]) }

    private func addOpening(_ cases: inout Cases, _ host: WorkspaceHost) {
        cases.add("ise: open") {
            try await pause()
            return try await openOnly(host)
        }
        cases.add("ise: close") {
            try await pause()
            let workspace = try await host.open()
            return await timed { await workspace.close() }
        }
        cases.add("ise: open+true+close") {
            try await pause()
            return try await roundTrip(host)
        }
        cases.add("ise: open, cold") {
            try await pause()
            return try await withoutSpares(host) { try await openOnly(host) }
        }
        cases.add("ise: open+true+close, cold") {
            try await pause()
            return try await withoutSpares(host) { try await roundTrip(host) }
        }
        // A policy of its own, so that only these cases take from the pool.
        var pooled = Policy()
        pooled.limits.openFiles = 1023
        let policy = pooled
        cases.add("ise: pool hand-out") {
            await host.prepare(4, policy: policy)
            try await pause()
            return try await openOnly(host, policy)
        }
        cases.add("ise: pool open+true+close") {
            await host.prepare(4, policy: policy)
            try await pause()
            return try await roundTrip(host, policy)
        }
    }

    private func openOnly(_ host: WorkspaceHost, _ policy: Policy = Policy()) async throws -> Duration {
        var opened: Workspace?
        let time = try await timed { opened = try await host.open(policy) }
        await opened?.close()
        return time
    }

    private func roundTrip(_ host: WorkspaceHost, _ policy: Policy = Policy()) async throws -> Duration {
        try await timed {
            let workspace = try await host.open(policy)
            _ = try await workspace.exec(isTrue)
            await workspace.close()
        }
    }

    /// As between the turns of a dialogue.
    private func pause() async throws { try await Task.sleep(for: .milliseconds(25)) }

    /// Takes what the launcher keeps ready; without a pause it makes no more.
    private func withoutSpares(_ host: WorkspaceHost, _ body: () async throws -> Duration) async throws -> Duration {
        var taken: [Workspace] = []
        for _ in 0..<3 { taken.append(try await host.open()) }
        let time = try await body()
        for workspace in taken { await workspace.close() }
        return time
    }

    /// The price of what can be switched.
    private func addVariants(_ cases: inout Cases, _ host: WorkspaceHost) async throws {
        for tracking in [ChangeTracking.metadata, .content] {
            var policy = Policy()
            policy.changeTracking = tracking
            let workspace = try await host.open(policy)
            _ = try await workspace.exec(.shell("for i in $(seq 1 100); do echo $i > f$i; done"))
            cases.add("ise: true, \(tracking) of 100 files") {
                try await timed { _ = try await workspace.exec(isTrue) }
            }
        }
        var policy = Policy()
        policy.reportsDenials = false
        let silent = try await host.open(policy)
        cases.add("ise: true, denials not reported") { try await timed { _ = try await silent.exec(isTrue) } }
        policy = Policy()
        policy.tracksProcesses = true
        let tracked = try await host.open(policy)
        cases.add("ise: true, processes tracked") { try await timed { _ = try await tracked.exec(isTrue) } }
        var confined = isTrue
        confined.confinement.writes = false
        confined.confinement.programs = ["true"]
        confined.confinement.network = .none
        let request = confined
        cases.add("ise: true, confined") { try await timed { _ = try await silent.exec(request) } }
    }

    // MARK: Throughput

    private func measureThroughput(_ host: WorkspaceHost, _ report: inout Report) async throws {
        for count in [1, 2, 4, 8, 16] {
            report.add("host: \(count) in flight", rate: try hostThroughput(inFlight: count, runs: 1600))
            var workspaces: [Workspace] = []
            for _ in 0..<count { workspaces.append(try await host.open()) }
            let each = 1600 / count
            let request = isTrue
            let time = try await timed {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for workspace in workspaces {
                        group.addTask { for _ in 0..<each { _ = try await workspace.exec(request) } }
                    }
                    try await group.waitForAll()
                }
            }
            for workspace in workspaces { await workspace.close() }
            report.add("ise: \(count) in flight", rate: Double(each * count) / (time / .seconds(1)))
        }
    }

    /// One after the other without a pause, in which nothing can be made ahead.
    private func measureBackToBack(_ host: WorkspaceHost, _ report: inout Report) async throws {
        let peers = Peers()
        defer { peers.remove() }
        if let bwrap = peers.commands.first(where: { $0.name == "bwrap" }) {
            let time = try await timed { for _ in 0..<200 { _ = try runOnHost(bwrap.argv) } }
            report.add("bwrap: back to back", rate: 200 / (time / .seconds(1)))
        }
        let time = try await timed {
            for _ in 0..<200 { _ = try await roundTrip(host) }
        }
        report.add("ise: open+true+close, back to back", rate: 200 / (time / .seconds(1)))
    }

    // MARK: Memory and forks

    /// A gigabyte in 50,000 files, frozen and opened again.
    private func measureFork(_ host: WorkspaceHost, _ report: inout Report) async throws {
        var policy = Policy()
        policy.limits.diskBytes = 3 << 30
        policy.limits.memoryBytes = 4 << 30
        let workspace = try await host.open(policy)
        let fill =
            "for d in $(seq 1 50); do mkdir $d; head -c 20971520 /dev/zero | split -b 20972 -a 4 - $d/f; done; ls */* | wc -l"
        let filled = try await workspace.exec(.shell(fill, timeout: .seconds(600)))
        report.note("fork: files", filled.stdout.text.filter(\.isNumber))
        var snapshot: Snapshot?
        var freeze = Sample()
        freeze.add(try await timed { snapshot = try await workspace.snapshot() })
        report.add("ise: freeze 1 GiB", freeze)
        guard let snapshot else { return }
        var forks = Sample()
        for _ in 0..<20 {
            var fork: Workspace?
            forks.add(try await timed { fork = try await host.open(snapshot) })
            await fork?.close()
        }
        report.add("ise: fork of 1 GiB", forks)
        await workspace.close()
    }

    private func measureMemory(_ host: WorkspaceHost, _ report: inout Report) async throws {
        var workspaces: [Workspace] = []
        try await Task.sleep(for: .seconds(1))  // what the cases before left is freed a little later
        let before = procField("/proc/meminfo", "MemAvailable") ?? 0
        var opened = Sample()
        for _ in 0..<held {
            opened.add(try await timed { workspaces.append(try await host.open()) })
        }
        let after = procField("/proc/meminfo", "MemAvailable") ?? 0
        report.add("ise: open, \(held) held", opened)
        report.note("memory a workspace, KiB available", String((before - after) / max(1, held)))
        let pss = workspaces.prefix(50).compactMap { $0.initPID }.compactMap {
            procField("/proc/\($0)/smaps_rollup", "Pss")
        }
        report.note("memory a workspace, KiB PSS", String(pss.reduce(0, +) / max(1, pss.count)))
        var exec = Sample()
        for workspace in workspaces.shuffled().prefix(50) {
            exec.add(try await timed { _ = try await workspace.exec(isTrue) })
        }
        report.add("ise: true, \(held) held", exec)
        let time = await timed {
            await withTaskGroup(of: Void.self) { group in
                for workspace in workspaces { group.addTask { await workspace.close() } }
            }
        }
        report.note("close of \(held), ms", String(Int(time / .milliseconds(1))))
    }

    private func addRatios(_ report: inout Report) {
        report.addRatio("open_exec_close_vs_bwrap", "ise: open+true+close", "bwrap: true")
        report.addRatio("cold_open_exec_close_vs_bwrap", "ise: open+true+close, cold", "bwrap: true")
        report.addRatio("pool_open_exec_close_vs_bwrap", "ise: pool open+true+close", "bwrap: true")
        report.addRatio("back_to_back_vs_bwrap", "ise: open+true+close, back to back", "bwrap: back to back")
        report.addRatio("warm_exec_vs_host", "ise: true", "host: true")
        report.addRatio("warm_shell_vs_host", "ise: sh -c", "host: sh -c")
        for count in [1, 16] {
            report.addRatio("throughput\(count)_vs_host", "ise: \(count) in flight", "host: \(count) in flight")
        }
        for peer in ["runc", "crun", "firejail"] {
            report.addRatio("open_exec_close_vs_\(peer)", "ise: open+true+close", "\(peer): true")
        }
        report.addRatio("metadata_tracking_cost", "ise: true, metadata of 100 files", "ise: true")
        report.addRatio("content_tracking_cost", "ise: true, content of 100 files", "ise: true")
        report.addRatio("process_tracking_cost", "ise: true, processes tracked", "ise: true")
        report.addRatio("confinement_cost", "ise: true, confined", "ise: true, denials not reported")
        report.addRatio("denials_cost", "ise: true", "ise: true, denials not reported")
    }
}
