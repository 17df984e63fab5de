import Testing

@testable import Workspaces

@Suite struct SnapshotTests {
    /// Everything below the home and /tmp: names, modes, contents.
    private func digest(_ workspace: Workspace) async throws -> String {
        try await workspace.exec(
            .shell(
                "find /home/user /tmp -printf '%p %y %m %s %l\\n' | sort; find /home/user /tmp -type f | sort | xargs -r sha256sum"
            )
        ).stdout.text
    }

    @Test func `Forks start from the same tree and do not meet`() async throws {
        try await Shared.withWorkspace { workspace in
            _ = try await workspace.exec(
                .shell(
                    "mkdir -p a/b; echo 1 > a/b/one; ln -s a/b/one link; chmod 640 a/b/one; echo t > /tmp/t; rm -rf /srv; touch gone"
                ))
            let before = try await digest(workspace)
            let snapshot = try await workspace.snapshot()
            #expect(try await digest(workspace) == before)
            let first = try await Shared.host.open(snapshot)
            let second = try await Shared.host.open(snapshot)
            #expect(try await digest(first) == before)
            let canMove = first.isolation.opaqueDirectories
            _ = try await first.exec(.shell("echo first > a/b/one; rm gone; \(canMove ? "mv" : "cp -r") a c"))
            _ = try await second.exec(.shell("echo second > a/b/one"))
            _ = try await workspace.exec(.shell("echo parent > a/b/one"))
            let moved = try await first.exec(.shell("cat c/b/one; ls"))
            #expect(moved.stdout.text == "first\n\(canMove ? "" : "a\n")c\nlink\n", "\(moved.stderr.text)")
            #expect(try await second.exec(.shell("cat a/b/one; ls")).stdout.text == "second\na\ngone\nlink\n")
            #expect(try await workspace.exec(.shell("cat a/b/one")).stdout.text == "parent\n")
            let third = try await Shared.host.open(snapshot)
            #expect(try await digest(third) == before)
            for fork in [first, second, third] { await fork.close() }
        }
    }

    @Test func `Snapshots of forks stack, and outlive what they came from`() async throws {
        let root = try await Shared.host.open()
        var snapshot = try await root.snapshot()
        await root.close()
        for level in 1...6 {
            let fork = try await Shared.host.open(snapshot)
            _ = try await fork.exec(.shell("echo \(level) >> log; rm -f only-\(level - 1); touch only-\(level)"))
            snapshot = try await fork.snapshot()
            await fork.close()
        }
        let last = try await Shared.host.open(snapshot)
        let seen = try await last.exec(.shell("cat log | tr '\\n' ' '; ls"))
        #expect(seen.stdout.text == "1 2 3 4 5 6 log\nonly-6\n")
        await last.close()
    }

    @Test func `While something runs, freezing is refused`() async throws {
        try await Shared.withWorkspace { workspace in
            let job = try await workspace.start(.shell("sleep 1000"))
            await #expect(throws: WorkspaceError.self) { _ = try await workspace.snapshot() }
            job.kill()
            _ = try await job.wait()
            _ = try await workspace.exec(.shell("setsid sleep 1000 > /dev/null 2>&1 &"))
            do {
                _ = try await workspace.snapshot()
                Issue.record("it was frozen")
            } catch { #expect((error as? WorkspaceError)?.code == .busy) }
            _ = try await workspace.exec(
                .shell("until pgrep -x sleep; do :; done; pkill -KILL -x sleep; while pgrep -x sleep; do :; done"))
            _ = try await workspace.snapshot()
        }
    }

    @Test func `A fork does not copy`() async throws {
        try await Shared.withWorkspace { workspace in
            _ = try await workspace.exec(
                .shell("head -c 50000000 /dev/urandom > big; for i in $(seq 1 2000); do echo $i > f$i; done"))
            let snapshot = try await workspace.snapshot()
            let fork = try await Shared.host.open(snapshot)
            let used = try await fork.exec(.shell("df --output=used -k /home | tail -1; ls | wc -l"))
            let numbers = used.stdout.text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            #expect(numbers.count == 2 && numbers[0] < 1000 && numbers[1] == 2001)
            await fork.close()
        }
    }

    @Test func `The root identity's system is part of a snapshot`() async throws {
        guard try await Shared.host.isolation.startedAsRoot else { return }
        var policy = Policy()
        policy.identity = .root
        try await Shared.withWorkspace(policy) { workspace in
            _ = try await workspace.exec(.shell("echo x > /usr/bin/new; rm /usr/bin/env; echo h >> /etc/hosts"))
            let fork = try await Shared.host.open(try await workspace.snapshot())
            let seen = try await fork.exec(.shell("cat /usr/bin/new; ls /usr/bin/env; tail -1 /etc/hosts"))
            #expect(seen.stdout.text == "x\nh\n")
            await fork.close()
        }
    }
}
