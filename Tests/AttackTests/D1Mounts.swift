import Glibc
import Testing

@testable import Workspaces

/// Mounts, the root, what /proc shows.
@Suite(.serialized) struct D1Mounts {
    @Test(.attack(1), arguments: Policy.Identity.allCases)
    func `D1 Nothing can be mounted`(identity: Policy.Identity) async throws {
        var policy = Policy()
        policy.identity = identity
        let seen = try await Target.probe("mounts", policy: policy)
        seen.expectAll(["EPERM"])
        #expect(!hostFile("/proc/self/mountinfo").contains(" probe "))
    }

    @Test(.attack(2)) func `D2 The new mount interface is closed by the filter, not by capabilities alone`()
        async throws
    {
        let seen = try await Target.probe("new-mounts")
        seen.expectAll(["EPERM", "ENOSYS"])
        #expect(seen.result.denials.contains { $0.syscall == "fsopen" })
    }

    @Test(.attack(3)) func `D3 No mask can be taken off`() async throws {
        try await Target.withWorkspace { workspace in
            try await workspace.probe("unmounts").expectAll(["EPERM"])
            let masks = try await workspace.exec(.shell("cat /proc/keys /proc/kallsyms /proc/timer_list | wc -c"))
            #expect(masks.stdout.text == "0\n")
        }
        #expect(access("/proc/self/status", R_OK) == 0)
    }

    @Test(.attack(4)) func `D4 The root cannot be changed or climbed out of`() async throws {
        let seen = try await Target.probe("roots")
        seen.expectAll(["EPERM"], except: ["climbed": "same root"])
    }

    @Test(.attack(4)) func `D4 Root inside that may chroot stays inside`() async throws {
        try await withHostDirectory { directory in
            writeHostFile(directory + "/mark", Array("host".utf8))
            var policy = Policy()
            policy.identity = .root
            try await Target.withWorkspace(policy) { workspace in
                _ = try await workspace.probe("roots")
                let climb = """
                    import os
                    os.makedirs('/tmp/j', exist_ok=True)
                    fd = os.open('/', os.O_RDONLY); os.chroot('/tmp/j'); os.fchdir(fd)
                    for _ in range(64): os.chdir('..')
                    os.chroot('.')
                    print(os.path.exists('\(directory)/mark'), sorted(os.listdir('/'))[:2])
                    """
                let seen = try await workspace.exec(ExecRequest(argv: ["python3", "-c", climb]))
                // Without a range of ids not even chroot is allowed.
                let refused = !isRoot && seen.stderr.text.contains("Operation not permitted")
                #expect(seen.stdout.text.hasPrefix("False ['bin', 'dev'") || refused, "\(seen.stderr.text)")
            }
        }
    }

    @Test(.attack(5)) func `D5 Links of proc lead to the workspace's root only`() async throws {
        try await withHostDirectory { directory in
            let mark = directory + "/mark"
            writeHostFile(mark, Array("host".utf8))
            let paths = [
                "/proc/1/root", "/proc/self/root", "/proc/self/cwd/../../..", "/proc/self/fd/0/../../..", "/proc/1/cwd",
                "/proc/thread-self/root", "/proc/\(getpid())/root", "",
            ].map { $0 + mark }
            try await Target.withWorkspace { workspace in
                let seen = try await workspace.probe(["open"] + paths)
                seen.expectAll(["ENOENT", "EACCES", "ENOTDIR"])
            }
        }
    }

    @Test(.attack(6)) func `D6 No descriptor serves as a working directory`() async throws {
        try await Target.withWorkspace { workspace in
            let own = try await workspace.list("/tmp")
            #expect(own.entries.isEmpty)
            var led: [String] = []
            for number in 0..<64 {
                for process in ["self", "1", "thread-self"] {
                    let path = "/proc/\(process)/fd/\(number)"
                    if let result = try? await workspace.exec(ExecRequest(argv: ["pwd"], directory: path)) {
                        led.append(path + " " + result.stdout.text)
                    }
                }
            }
            #expect(led.isEmpty)
            let up = try await workspace.exec(ExecRequest(argv: ["ls", "../../../../../.."]))
            #expect(up.stdout.text.contains("home") && !up.stdout.text.contains("boot"))
        }
    }

    @Test(.attack(7)) func `D7 No descriptor of the host or the init is inherited`() async throws {
        // Without O_CLOEXEC: as a careless host leaves it.
        let leaked = Glibc.open("/etc/hostname", O_RDONLY)
        defer { close(leaked) }
        let host = try await WorkspaceHost.start()
        let workspace = try await host.open()
        let seen = try await workspace.probe("descriptors")
        let files = try await workspace.probe("init-files")
        let targets = hostEntries("/proc/\(workspace.launcher.pid)/fd").map { name -> String in
            var buffer = [CChar](repeating: 0, count: 4096)
            let length = max(0, readlink("/proc/\(workspace.launcher.pid)/fd/\(name)", &buffer, buffer.count - 1))
            return String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        await host.shutdown()
        #expect(seen.number("above_2") == 0)
        #expect(files["fd"] == "EACCES" && files["fd/3"] == "EACCES")
        #expect(!targets.contains("/etc/hostname"))
    }

    @Test(.attack(8)) func `D8 The running programs cannot be overwritten`() async throws {
        try await Target.withWorkspace { workspace in
            let seen = try await workspace.probe("runtime")
            seen.expectAll(["ETXTBSY", "EACCES", "EROFS", "ENOENT"])
            let image = hostBytes("/proc/\(workspace.launcher.pid)/exe")
            #expect(image == InitImage.bytes)
            let descriptor = Glibc.open("/proc/\(workspace.launcher.pid)/exe", O_WRONLY | O_CLOEXEC)
            #expect(descriptor < 0, "not even the host can: the image is running and sealed")
        }
    }

    static let switches = [
        "kernel/core_pattern", "kernel/modprobe", "kernel/hotplug", "kernel/ns_last_pid", "kernel/hostname",
        "kernel/randomize_va_space", "kernel/sysrq", "kernel/panic", "kernel/shmmax", "kernel/msgmax", "kernel/sem",
        "kernel/yama/ptrace_scope", "kernel/perf_event_paranoid", "vm/overcommit_memory", "vm/drop_caches",
        "vm/mmap_min_addr", "vm/nr_hugepages", "fs/file-max", "fs/suid_dumpable", "fs/binfmt_misc/register",
        "fs/mqueue/msg_max", "net/ipv4/ip_forward", "net/ipv4/ping_group_range", "net/core/somaxconn",
        "net/ipv4/ip_unprivileged_port_start", "user/max_user_namespaces", "user/max_inotify_instances",
    ]

    @Test(.attack(9), arguments: Policy.Identity.allCases)
    func `D9 No switch of the kernel can be opened for writing`(identity: Policy.Identity) async throws {
        var policy = Policy()
        policy.identity = identity
        let before = hostFile("/proc/sys/kernel/core_pattern")
        try await Target.withWorkspace(policy) { workspace in
            let seen = try await workspace.probe(["open", "-w"] + Self.switches.map { "/proc/sys/" + $0 })
            seen.expectAll(["EACCES", "EROFS", "ENOENT", "EPERM"])
            #expect(seen.values.values.contains { $0 != "ENOENT" })
        }
        #expect(hostFile("/proc/sys/kernel/core_pattern") == before)
    }

    @Test(.attack(10)) func `D10 Triggers of proc are masked or read-only`() async throws {
        let script = """
            for f in /proc/sysrq-trigger /proc/irq/default_smp_affinity /proc/irq/0/smp_affinity /proc/bus/pci/00/00.0 \
            /proc/acpi/wakeup /proc/scsi/scsi /proc/mtrr /proc/fs/jbd2 /proc/driver/x /proc/tty/drivers; do
              if [ -c $f ]; then echo masked; elif (: >> $f) 2>/dev/null; then echo "open $f"; else echo refused; fi
            done
            """
        let seen = try await Target.shell(script)
        let lines = Set(seen.stdout.text.split(separator: "\n").map(String.init))
        #expect(!lines.isEmpty && lines.isSubset(of: ["masked", "refused"]), "\(lines)")
    }

    @Test(.attack(11)) func `D11 What proc tells of the kernel and the host is masked`() async throws {
        let script = """
            for f in kcore keys key-users kallsyms timer_list sched_debug kmsg interrupts cmdline latency_stats; do
              if [ -e /proc/$f ]; then n=$(head -c 100 /proc/$f 2>/dev/null | wc -c); [ $n = 0 ] || echo "$f tells"; fi
            done; ls /sys 2>/dev/null; cat /proc/self/mountinfo /proc/mounts
            """
        let seen = try await Target.shell(script)
        #expect(!seen.stdout.text.contains("tells"))
        var directory = [CChar](repeating: 0, count: 4096)
        _ = getcwd(&directory, directory.count)
        let host = String(decoding: directory.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        if host.utf8.count > 1 { #expect(!seen.stdout.text.contains(host), "a path of the host shows in the mounts") }
        #expect(seen.stdout.text.contains("/proc"))
    }

    @Test(.attack(12), arguments: Policy.Identity.allCases)
    func `D12 Masks cannot be led astray by another dev null`(identity: Policy.Identity) async throws {
        var policy = Policy()
        policy.identity = identity
        let tried = try await Target.shell(
            """
            rm -f /dev/null 2>/dev/null; ln -sf /proc/sys/kernel/core_pattern /dev/null 2>/dev/null
            mv /dev/null /dev/zero 2>/dev/null; chmod 600 /dev/null /proc/keys /proc/kmsg 2>/dev/null; mknod /dev/x c 1 3 2>/dev/null
            rm -rf /dev/pts /dev/shm 2>/dev/null; ln -sf /etc/passwd /dev/console 2>/dev/null; touch /dev/mine 2>/dev/null; true
            """, policy)
        #expect(tried.exitCode == 0)
        // The directory is one for all workspaces: the next ones must not notice.
        let next = try await Target.shell(
            "stat -c '%a %t:%T' /dev/null; ls /dev | tr '\\n' ' '; cat /proc/keys | wc -c", policy)
        #expect(next.stdout.text == "666 1:3\n\(D1Devices.present)0\n")
    }
}
