import Glibc
import Testing
import WorkspaceShim

@testable import Workspaces

private func landlock(_ version: Int) -> ConditionTrait {
    .enabled("needs version \(version) of Landlock") { try await Shared.host.isolation.landlock >= version }
}

/// What one command may do less than its workspace.
@Suite struct ConfinementTests {
    private func shell(_ command: String, _ change: (inout Confinement) -> Void) -> ExecRequest {
        var request = ExecRequest.shell(command)
        change(&request.confinement)
        return request
    }

    // MARK: What is told

    @Test(landlock(3)) func `What a confinement refuses is not listed, and the result says so`() async throws {
        try await Shared.withWorkspace { workspace in
            let command = "touch file; chmod 600 file; unshare -U true; true"
            _ = try await workspace.exec(.shell("touch file"))
            let confined = try await workspace.exec(shell(command) { $0.writes = false })
            #expect(confined.stderr.text.contains("chmod"))
            // What the policy refuses is listed all the same.
            #expect(confined.denials.map(\.syscall) == ["unshare"])
            #expect(!confined.denialsAreComplete)
            let free = try await workspace.exec(.shell(command))
            #expect(free.denials.map(\.syscall) == ["unshare"])
            #expect(free.denialsAreComplete)
        }
        var silent = Policy()
        silent.reportsDenials = false
        let unheard = try await Shared.run("unshare -U true; true", silent)
        #expect(unheard.denials == [] && !unheard.denialsAreComplete)
    }

    /// Why it cannot be listed: see confine.c. When this fails, the kernel has learned it.
    @Test func `A filter above the policy's gets no listener of its own`() async throws {
        let program = """
            import ctypes, errno, os, struct
            libc = ctypes.CDLL(None, use_errno=True)
            code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7fff0000))  # allow all
            filter = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 1, ctypes.addressof(code)))
            number = {"x86_64": 317, "aarch64": 277}[os.uname().machine]
            for flags in (0, 1 << 3):  # SECCOMP_FILTER_FLAG_NEW_LISTENER
                result = libc.syscall(number, 1, flags, filter)
                print("loaded" if result == 0 else errno.errorcode[ctypes.get_errno()])
            """
        let result = try await Shared.withWorkspace {
            try await $0.exec(ExecRequest(argv: ["python3", "-c", program]))
        }
        #expect(result.stdout.text == "loaded\nEBUSY\n", "\(result.stderr.text)")
    }

    // MARK: A read-only file system

    private static let writes: [(name: String, command: String)] = [
        ("create", "echo x > new"), ("append", "echo x >> file"), ("truncate", "truncate -s 0 file"),
        ("truncate on opening to read", "python3 -c 'import os; os.open(\"file\", os.O_RDONLY | os.O_TRUNC)'"),
        ("unlink", "rm -f file"), ("rename", "mv file other"), ("rename over", "mv dir/inner file"),
        ("link", "ln file hard"), ("symlink", "ln -s file soft"), ("mkdir", "mkdir newdir"), ("rmdir", "rmdir empty"),
        ("fifo", "mkfifo fifo"), ("socket", "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"sock\")'"),
        ("chmod", "chmod 600 file"),
        ("chmod by descriptor", "python3 -c 'import os; os.fchmod(os.open(\"file\", 0), 0)'"),
        ("touch", "touch -d 2001-01-01 file"),
        ("attribute", "python3 -c 'import os; os.setxattr(\"file\", \"user.x\", b\"1\")'"),
        ("in /tmp", "echo x > /tmp/new"), ("in /var/tmp", "mkdir /var/tmp/new"),
        (
            "by a double fork",
            "(setsid sh -c 'sleep 0.05; echo x > daemon; echo $? > /dev/shm/status' &) ; sleep 0.3; exit $(cat /dev/shm/status)"
        ),
        ("through another exec", "sh -c 'exec sh -c \"exec tee file\"' < /dev/null"),
        (
            "exchange",
            "python3 -c 'import ctypes; exit(0 if ctypes.CDLL(None).renameat2(-100, b\"file\", -100, b\"dir/inner\", 2) == 0 else 1)'"
        ),
        ("unnamed file", "python3 -c 'import os; os.open(\".\", os.O_TMPFILE | os.O_RDWR)'"),
    ]

    @Test(landlock(3), arguments: Policy.Identity.allCases)
    func `Nothing can be written, whatever the way`(identity: Policy.Identity) async throws {
        var policy = Policy()
        policy.identity = identity
        policy.changeTracking = .content
        try await Shared.withWorkspace(policy) { workspace in
            let fill = "echo kept > file; mkdir dir empty; echo inner > dir/inner; rm -f /dev/shm/status"
            _ = try await workspace.exec(.shell(fill))
            for (name, command) in Self.writes {
                let refused = try await workspace.exec(shell(command) { $0.writes = false })
                #expect(refused.exitCode != 0, "\(name) was not refused")
                #expect(refused.changes?.filter { !$0.path.hasPrefix("/dev/shm/") } == [], "\(name) changed something")
            }
            // The same can tell: without the confinement each works.
            for (name, command) in Self.writes {
                _ = try await workspace.exec(.shell("rm -rf ./* /tmp/new /var/tmp/new; " + fill))
                let allowed = try await workspace.exec(.shell(command))
                #expect(allowed.exitCode == 0, "\(name): \(allowed.stderr.text)")
            }
        }
    }

    @Test(landlock(3))
    func `Reading, pipes, terminals and /dev work on a read-only file system`() async throws {
        try await Shared.withWorkspace { workspace in
            _ = try await workspace.exec(.shell("echo kept > file"))
            let work =
                "cat file | sort | tee /dev/stderr > /dev/null; echo x > /dev/null; echo y > /dev/stdout; cd / && ls etc/passwd; "
                + "echo z > /dev/shm/z && rm /dev/shm/z; test -w file || true; sh -c 'sleep 0.01 & wait'"
            let result = try await workspace.exec(shell(work) { $0.writes = false })
            #expect(result.stdout.text == "y\netc/passwd\n" && result.stderr.text == "kept\n" && result.exitCode == 0)
            var terminal = shell("echo hello > /dev/tty; tty") { $0.writes = false }
            terminal.terminal = TerminalSize()
            let seen = try await workspace.exec(terminal)
            #expect(seen.stdout.text.contains("hello") && seen.exitCode == 0)
        }
    }

    // MARK: Programs

    private func confined(_ argv: [String], to programs: [String], in directory: String = Workspace.home) -> ExecRequest
    {
        var request = ExecRequest(argv: argv, directory: directory)
        request.confinement.programs = programs
        return request
    }

    @Test(landlock(1), arguments: Policy.Identity.allCases)
    func `Only the programs of the list run`(identity: Policy.Identity) async throws {
        var policy = Policy()
        policy.identity = identity
        try await Shared.withWorkspace(policy) { workspace in
            let listed = try await workspace.exec(confined(["cat", "/etc/hostname"], to: ["cat", "no-such-program"]))
            #expect(listed.stdout.text == "workspace\n")
            let byPath = try await workspace.exec(confined(["cat", "/etc/hostname"], to: ["/usr/bin/cat"]))
            #expect(byPath.exitCode == 0)
            for command in [
                "ls", "exec ls", "/usr/bin/ls", "(setsid ls &) ; sleep 0.2; exec ls", "cp /usr/bin/ls mine && ./mine",
                "cat /usr/bin/ls > mine; ./mine",
            ] {
                let refused = try await workspace.exec(confined(["sh", "-c", command], to: ["sh", "cat"]))
                #expect(refused.stdout.text.isEmpty && refused.stderr.text.contains("Permission denied"), "\(command)")
            }
        }
    }

    @Test(landlock(1))
    func `A command that is not in its own list is refused before it starts`() async throws {
        try await Shared.withWorkspace { workspace in
            for argv in [["ls"], ["/bin/ls"], ["/lib64/ld-linux-x86-64.so.2", "/bin/ls"], ["/proc/self/exe"]]
            where access(argv[0], F_OK) == 0 || argv == ["ls"] {
                do throws(WorkspaceError) {
                    _ = try await workspace.exec(confined(argv, to: ["cat", "grep"]))
                    Issue.record("\(argv) ran")
                } catch {
                    #expect(
                        error.code == .permission && error.message.contains("it may run cat, grep"), "\(error.message)")
                }
            }
            do throws(WorkspaceError) {
                _ = try await workspace.exec(confined(["ls"], to: []))
                Issue.record("ls ran")
            } catch { #expect(error.message.contains("it may run nothing")) }
            do throws(WorkspaceError) {
                _ = try await workspace.exec(confined(["no-such-program"], to: ["cat"]))
                Issue.record("it ran")
            } catch { #expect(error.code == .commandNotFound) }
            do throws(WorkspaceError) {
                _ = try await workspace.exec(confined(["cat"], to: ["bin/cat"]))
                Issue.record("it ran")
            } catch { #expect(error.code == .invalidPath) }
        }
    }

    @Test(landlock(1))
    func `A script brings its interpreter along, and that only`() async throws {
        try await Shared.withWorkspace { workspace in
            let fill = """
                mkdir bin; printf '#!/bin/sh\\necho script; ls\\n' > bin/one; printf '#!/usr/bin/env python3\\nprint("python")\\n' > bin/two
                chmod 755 bin/*; ln -s ../bin/one link
                """
            _ = try await workspace.exec(.shell(fill))
            for (argv, expected) in [(["./bin/one"], "script\n"), (["bin/two"], "python\n")] {
                let list = ["/home/user/bin/one", "/home/user/bin/two"]
                let result = try await workspace.exec(confined(argv, to: list))
                #expect(result.stdout.text == expected, "\(argv): \(result.stderr.text)")
            }
            // The interpreter is there for the script's sake, not as a command.
            do throws(WorkspaceError) {
                _ = try await workspace.exec(confined(["sh", "-c", "true"], to: ["/home/user/bin/one"]))
                Issue.record("sh ran")
            } catch { #expect(error.code == .permission) }
        }
    }

    @Test(landlock(1))
    func `A program in memory cannot be executed either`() async throws {
        let script = """
            import os
            try:
                f = os.memfd_create("p")
                os.write(f, open("/bin/true", "rb").read())
                os.execve(f, ["true"], {})
            except OSError as e:
                print("refused", e.errno); raise SystemExit(0)
            """
        try await Shared.withWorkspace { workspace in
            let refused = try await workspace.exec(confined(["python3", "-c", script], to: ["python3"]))
            #expect(refused.stdout.text == "refused 13\n")
            let free = try await workspace.exec(ExecRequest(argv: ["python3", "-c", script]))
            #expect(free.stdout.text.isEmpty && free.exitCode == 0)
        }
    }

    // MARK: The network

    private static let sockets = """
        import socket, os
        for family, kind in ((socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET6, socket.SOCK_STREAM),
                             (socket.AF_INET, socket.SOCK_DGRAM), (socket.AF_NETLINK, socket.SOCK_RAW)):
            try:
                socket.socket(family, kind).close(); print("open")
            except PermissionError: print("refused")
        if os.fork() == 0:
            os.setsid()
            try: socket.socket(); print("open", flush=True)
            except PermissionError: print("refused", flush=True)
            os._exit(0)
        os.wait()
        a, b = socket.socketpair(); a.send(b"x"); print(b.recv(1))
        """

    @Test(arguments: [Policy.Network.loopback, .none, .allowList([])])
    func `No network means no socket of its families`(network: Policy.Network) async throws {
        var policy = Policy()
        policy.network = network
        try await Shared.withWorkspace(policy) { workspace in
            for kind in [Confinement.Network.none, network == .loopback ? .only([]) : .none] {
                var request = ExecRequest(argv: ["python3", "-u", "-c", Self.sockets])
                request.confinement.network = kind
                let result = try await workspace.exec(request)
                #expect(
                    result.stdout.text == "refused\nrefused\nrefused\nrefused\nrefused\nb'x'\n",
                    "\(result.stdout.text)\(result.stderr.text)")
            }
            let free = try await workspace.exec(ExecRequest(argv: ["python3", "-u", "-c", Self.sockets]))
            #expect(free.stdout.text.hasPrefix("open\nopen\nopen\n"))
        }
    }

    private static let fetch = """
        import sys, urllib.request
        for url in sys.argv[1:]:
            try: print(urllib.request.urlopen(url, timeout=20).read().decode())
            except Exception as error: print(error, getattr(error, "read", lambda: b"")().decode().strip())
        """
    /// What a program may try that wants the workspace's own way out.
    private static let around = """
        import socket
        try: socket.create_connection(("127.0.0.1", 3128), 5); print("connected")
        except OSError as e: print("refused", e.errno)
        s = socket.socket()
        try: s.sendto(b"GET", 0x20000000, ("127.0.0.1", 3128)); print("sent")
        except OSError as e: print("refused", e.errno)
        s = socket.socket()
        try: s.bind(("127.0.0.1", 0)); print("bound")
        except OSError as e: print("refused", e.errno)
        try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM); print("datagrams")
        except OSError as e: print("refused", e.errno)
        """

    @Test(landlock(4))
    func `A command's own rules and the workspace's must both allow`() async throws {
        let (one, two, three) = (TestServer(), TestServer(), TestServer())
        defer { for server in [one, two, three] { server.stop() } }
        func rule(_ server: TestServer) throws -> EgressRule { try EgressRule("127.0.0.1:\(server.port)") }
        var policy = Policy()
        policy.network = .allowList([try rule(one), try rule(two)])
        try await Shared.withWorkspace(policy) { workspace in
            let urls = [one, two, three].map { "http://127.0.0.1:\($0.port)/" }
            func request(_ script: String, _ arguments: [String], _ rules: [EgressRule]?) -> ExecRequest {
                var request = ExecRequest(
                    argv: ["python3", "-c", script] + arguments, environment: ["NO_PROXY": "", "no_proxy": ""])
                if let rules { request.confinement.network = .only(rules) }
                return request
            }
            for _ in 0..<2 {
                let narrow = try await workspace.exec(request(Self.fetch, urls, [try rule(two), try rule(three)]))
                let lines = narrow.stdout.text.split(separator: "\n")
                #expect(lines.count == 3, "\(narrow.stdout.text) \(narrow.stderr.text)")
                #expect(lines[0].contains("403") && lines[0].contains("what this command may reach"))
                #expect(lines[1] == "hello from the server")
                #expect(lines[2].contains("403") && lines[2].contains("the workspace's network policy"))
                #expect(narrow.networkAttempts.map(\.verdict) == [.refused, .allowed, .refused])
            }
            let wide = try await workspace.exec(request(Self.fetch, urls, nil))
            #expect(wide.networkAttempts.map(\.verdict) == [.allowed, .allowed, .refused])
            let around = try await workspace.exec(request(Self.around, [], [try rule(two)]))
            #expect(around.stdout.text == "refused 13\nrefused 95\nrefused 13\nrefused 13\n", "\(around.stdout.text)")
            let nothing = try await workspace.exec(request(Self.fetch, urls, []))
            #expect(nothing.networkAttempts.map(\.verdict) == [.refused, .refused, .refused])
            // A frozen workspace goes on in another network namespace.
            _ = try await workspace.snapshot()
            let after = try await workspace.exec(request(Self.fetch, urls, [try rule(two)]))
            #expect(after.networkAttempts.map(\.verdict) == [.refused, .allowed, .refused])
        }
    }

    @Test func `Rules of a command's own cannot be had in the host's network`() async throws {
        var policy = Policy()
        policy.network = .host
        try await Shared.withWorkspace(policy) { workspace in
            var request = ExecRequest(argv: ["true"])
            request.confinement.network = .only([])
            do throws(WorkspaceError) {
                _ = try await workspace.exec(request)
                Issue.record("it ran")
            } catch { #expect(error.code == .limitUnenforceable) }
            request.confinement.network = .none
            let none = try await workspace.exec(request)
            #expect(none.exitCode == 0)
        }
    }

    // MARK: All together

    @Test(landlock(3))
    func `Confinements add up, hold for jobs and end with the command`() async throws {
        try await Shared.withWorkspace { workspace in
            var request = shell("echo x > new; ls; cat /etc/hostname") {
                $0.writes = false
                $0.programs = ["sh", "cat"]
                $0.network = .none
            }
            let result = try await workspace.exec(request)
            #expect(result.stdout.text == "workspace\n")
            request.keepsInput = true
            let job = try await workspace.start(request)
            let waited = try await job.wait()
            #expect(waited.stdout.text == "workspace\n")
            let free = try await workspace.exec(.shell("echo x > new; ls"))
            #expect(free.stdout.text == "new\n")
        }
    }

    @Test func `What the kernel cannot enforce does not start`() throws {
        let old = IsolationReport(facts: ["started_as=user", "landlock=2"])
        for change: (inout Confinement) -> Void in [
            { $0.writes = false },
            {
                $0.programs = []; $0.writes = false
            },
        ] {
            var confinement = Confinement()
            change(&confinement)
            var message = OutgoingMessage(ISE_EXEC, id: 1)
            #expect(throws: WorkspaceError.self) {
                try EnforcedConfinement(confinement: confinement).add(to: &message, on: old)
            }
        }
    }
}
