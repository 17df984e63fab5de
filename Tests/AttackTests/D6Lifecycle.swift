import Glibc
import Testing
import WorkspaceShim

@testable import Workspaces

@Suite(.serialized) struct D6Lifecycle {
    @Test(.attack(88)) func `D88 Opening and closing leaves nothing behind`() async throws {
        let host = try await WorkspaceHost.start()
        let launcher: pid_t
        do {
            let first = try await host.open()
            launcher = first.launcher.pid
            await first.close()
        }
        func state() -> (descriptors: Int, mounts: Int, children: Int, groups: Int) {
            let groups = hostEntries("/sys/fs/cgroup/pids").filter { $0.hasPrefix("ise-\(getpid())-") }
            return (
                hostEntries("/proc/\(launcher)/fd").count,
                hostFile("/proc/\(launcher)/mountinfo").split(separator: "\n").count,
                hostFile("/proc/\(launcher)/task/\(launcher)/children").split(separator: " ").count, groups.count
            )
        }
        // Networks and two workspaces are made ahead.
        for _ in 0..<10 { await (try await host.open()).close() }
        let before = state()
        for index in 0..<80 {
            let workspace = try await host.open()
            _ = try await workspace.exec(.shell("sleep 500 > /dev/null 2>&1 & echo x > f; mkdir d"))
            if index % 4 == 0 { _ = try await workspace.probe("families") }
            await workspace.close()
        }
        #expect(try await eventually { state().children <= 2 })
        let after = state()
        #expect(after.descriptors <= before.descriptors + 8 && after.mounts == before.mounts)
        await host.shutdown()
        #expect(kill(launcher, 0) != 0)
    }

    @Test(.attack(91)) func `D91 Requests that make no sense are answered, and the init goes on`() async throws {
        try await Target.withWorkspace { workspace in
            for type: UInt32 in [0, 1, 34, 35, 36, 37, 38, 63, 64, 99, 127, 65535] {
                let answered = try await within(.seconds(30)) {
                    do {
                        _ = try await workspace.ask(ise_type(rawValue: type), path: "/") { message in
                            message.add(ise_tag(rawValue: 4_000_000_000), bytes: [1, 2, 3])
                            message.add(ISE_T_LIMIT, bytes: [UInt8](repeating: 0xff, count: 70_000))
                        }
                        return "done"
                    } catch { return "\(error)" }
                }
                #expect(answered != nil, "type \(type)")
            }
            // A signal to a command that is not there has no answer.
            workspace.signal(4_000_000, SIGKILL, reason: ISE_ENDED_CANCELLED)
            let paths = [
                "/" + String(repeating: "a/", count: 2040), String(repeating: "../", count: 1300),
                "/proc/self/../../..", "//", "/.",
            ]
            for path in paths {
                _ = try? await workspace.read(path)
                _ = try? await workspace.list(path)
                _ = try? await workspace.stat(path)
                _ = try? await workspace.makeDirectory(path)
                _ = try? await workspace.remove(path)
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<400 {
                    group.addTask {
                        try await workspace.write("flood/\(index % 20)", [UInt8(index & 255)])
                        _ = try await workspace.list("flood")
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await workspace.exec(.shell("echo alive")).stdout.text == "alive\n")
        }
    }

    @Test(.attack(91)) func `D91 When the init is killed, whoever waits gets an error`() async throws {
        let workspace = try await Target.host.open()
        let job = Task { try await workspace.exec(.shell("sleep 1000")) }
        try await Task.sleep(for: .milliseconds(200))
        // As the kernel does it when memory is short.
        let children = hostFile("/proc/\(workspace.launcher.pid)/task/\(workspace.launcher.pid)/children")
        let number = marker(91)
        let second = Task { try await workspace.exec(.shell("sleep \(number)")) }
        #expect(try await eventually { !hostProcesses(withCommand: "sleep\0\(number)").isEmpty })
        let child = hostProcesses(withCommand: "sleep\0\(number)").first ?? 0
        var at = child
        while at > 1, !children.split(separator: " ").contains("\(at)") {
            let status = hostFile("/proc/\(at)/status").split(separator: "\n").first { $0.hasPrefix("PPid:") }
            at = status.flatMap { Int32($0.dropFirst(6)) } ?? 0
        }
        #expect(at > 1)
        if at > 1 { kill(at, SIGKILL) }
        let ended = try await within(.seconds(60)) {
            let results = [try? await job.value, try? await second.value]
            return results.allSatisfy { $0 == nil }
        }
        #expect(ended == true)
        #expect(try await eventually { !workspace.isOpen && hostProcesses(withCommand: "sleep\0\(number)").isEmpty })
        await workspace.close()
    }

    @Test(.attack(92)) func `D92 When the host is killed, nothing of it stays`() async throws {
        let number = "49\(getpid())92"
        let ended = await #expect(processExitsWith: .signal(SIGKILL), observing: [\.standardErrorContent]) {
            [number = number as String] in
            let host = try await WorkspaceHost.start()
            for _ in 0..<3 {
                let workspace = try await host.open()
                _ = try await workspace.exec(.shell("setsid sleep \(number) > /dev/null 2>&1 &"))
                try await workspace.write("file", [1])
                Unmanaged.passRetained(workspace).retain()
            }
            kill(getpid(), SIGKILL)
        }
        let said = String(decoding: ended?.standardErrorContent ?? [], as: UTF8.self)
        if said.contains("rror") { print("D92, the host that was to be killed: \(said)") }
        #expect(try await eventually { hostProcesses(withCommand: "sleep\0\(number)").isEmpty })
        func orphans() -> [String] {
            hostEntries("/sys/fs/cgroup/pids").filter { name in
                let parts = name.split(separator: "-")
                guard parts.count >= 3, parts[0] == "ise", let pid = pid_t(parts[1]) else { return false }
                return kill(pid, 0) != 0 && errno == ESRCH
            }
        }
        #expect(try await eventually { orphans().isEmpty }, "control groups of a dead host: \(orphans())")
    }

    @Test(.attack(93)) func `D93 Workspaces look alike and show nothing of each other`() async throws {
        let look =
            "hostname; cat /etc/machine-id /etc/hostname; id; ls -A /proc | grep -v '[0-9]' | sort | md5sum; cat /proc/self/cgroup | cut -d: -f3 | sort -u; cat /proc/net/route | wc -l"
        try await Target.withWorkspace { first in
            try await Target.withWorkspace { second in
                _ = try await first.exec(.shell("sleep 1000 > /dev/null 2>&1 &"))
                let a = try await first.exec(.shell(look)), b = try await second.exec(.shell(look))
                #expect(a.stdout.text == b.stdout.text && a.stdout.text.hasPrefix("workspace\n"))
                #expect(
                    !a.stdout.text.contains(hostFile("/etc/machine-id").prefix(32))
                        || hostFile("/etc/machine-id").isEmpty)
                let processes = try await second.exec(.shell("ls /proc | grep -c '^[0-9]'; ps ax | grep -c '[s]leep'"))
                let counts = processes.stdout.text.split(separator: "\n").compactMap { Int($0) }
                #expect(counts.count == 2 && counts[0] < 8 && counts[1] == 0)
            }
        }
    }

    @Test(.attack(94), arguments: Policy.Identity.allCases)
    func `D94 No secret of the host is there`(identity: Policy.Identity) async throws {
        setenv("ISE_ATTACK_SECRET", "s3cret-\(getpid())", 1)
        var policy = Policy()
        policy.identity = identity
        let seen = try await Target.shell(
            """
            env; cat /proc/[0-9]*/environ 2>/dev/null; ls -A /root /home /home/user /var/lib /run /mnt /srv /opt /var/log 2>/dev/null
            cat /etc/shadow /etc/gshadow /etc/sudoers /etc/ssh/ssh_host_* /root/.ssh/* /root/.bash_history ~/.netrc ~/.aws/* 2>/dev/null
            ls /etc/ssl/private /etc/krb5* /var/run/secrets /etc/kubernetes 2>/dev/null; cat /proc/swaps | wc -l; true
            """, policy)
        #expect(!seen.stdout.text.contains("s3cret"))
        for word in ["PRIVATE KEY", "$6$", "$y$", "ssh-rsa", "id_rsa"] { #expect(!seen.stdout.text.contains(word)) }
        let host = hostFile("/proc/self/environ").split(separator: "\0").map(String.init)
        for variable in host where variable.count > 20 { #expect(!seen.stdout.text.contains(variable), "\(variable)") }
    }

    @Test(.attack(95)) func `D95 Crashes and refusals by the hundred do no harm`() async throws {
        try await Target.withWorkspace { workspace in
            let crashes = try await workspace.exec(
                .shell("for i in $(seq 1 200); do sh -c 'kill -SEGV $$' 2>/dev/null; done; echo done"))
            #expect(crashes.stdout.text == "done\n")
            let storm = try await workspace.probe("refusal-storm", "10")
            #expect(storm["storm"] == "ok" && storm.result.denials.count == 1, "one line tells of all of them")
        }
    }

    @Test(.attack(96)) func `D96 Forks over one snapshot do not meet, whatever is dropped meanwhile`() async throws {
        let host = try await Target.host
        let parent = try await host.open()
        try await parent.write("shared", Array("frozen".utf8))
        _ = try await parent.exec(.shell("mkdir tree; seq 1 200 | sed 's,^,tree/f,' | xargs touch"))
        var forks: [Workspace] = []
        do {
            let snapshot = try await parent.snapshot()
            for _ in 0..<3 { forks.append(try await host.open(snapshot)) }
        }
        await parent.close()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, fork) in forks.enumerated() {
                group.addTask {
                    for round in 0..<10 {
                        _ = try await fork.exec(
                            .shell("echo \(index)-\(round) > shared; rm tree/f\(round + 1); echo x >> tree/f100"))
                    }
                }
            }
            try await group.waitForAll()
        }
        for (index, fork) in forks.enumerated() {
            #expect(try await fork.read("shared") == Array("\(index)-9\n".utf8))
            let rest = try await fork.exec(.shell("ls tree | wc -l; wc -c < tree/f100; cat tree/* > /dev/null"))
            #expect(rest.stdout.text == "190\n20\n" && rest.stderr.text == "", "\(rest.stderr.text)")
            await fork.close()
        }
    }
}
