import Glibc
import Testing

@testable import Workspaces

/// Devices, links, files of the lower layers, sockets of the host.
@Suite(.serialized) struct D1Devices {
    static let present = "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero "

    @Test(.attack(13), arguments: Policy.Identity.allCases)
    func `D13 There is no sys, and none can be made`(identity: Policy.Identity) async throws {
        var policy = Policy()
        policy.identity = identity
        let seen = try await Target.shell(
            """
            for d in /sys /sys/kernel/debug /sys/kernel/tracing /sys/fs/cgroup /sys/firmware/efi /sys/kernel/security; do
              [ -e $d ] && echo $d; done; mkdir -p /sys 2>/dev/null; mount -t sysfs x /sys 2>/dev/null && echo mounted; ls /sys; true
            """, policy)
        #expect(seen.stdout.text == "")
    }

    @Test(.attack(14)) func `D14 Control groups are not to be seen nor touched`() async throws {
        let groups = isRoot ? hostFile("/sys/fs/cgroup/memory/notify_on_release") : ""
        let seen = try await Target.shell(
            """
            cut -d: -f3 /proc/self/cgroup | sort -u; ls /sys/fs/cgroup 2>/dev/null
            find / -xdev -name release_agent -o -xdev -name cgroup.procs 2>/dev/null
            mount -t cgroup -o memory x /tmp 2>/dev/null && echo mounted; true
            """)
        #expect(seen.stdout.text == "/\n")
        if isRoot { #expect(hostFile("/sys/fs/cgroup/memory/notify_on_release") == groups) }
    }

    @Test(.attack(15), arguments: Policy.Identity.allCases, [".", "/tmp", "/dev/shm"])
    func `D15 No device can be made`(identity: Policy.Identity, place: String) async throws {
        var policy = Policy()
        policy.identity = identity
        // Off an overlay, anyone may make the node 0:0 where Landlock does not forbid it: it opens nothing, and there no layer gives
        // it a meaning.
        let isFree = try await Target.host.isolation.landlock == 0 && place == "/dev/shm"
        try await Target.probe("nodes", place, policy: policy)
            .expectAll(["EPERM", "EACCES"], except: isFree ? ["whiteout": "ok"] : [:])
    }

    @Test(.attack(15)) func `D15 Every writable mount is nodev and nosuid`() async throws {
        let mounts = try await Target.shell("cat /proc/self/mountinfo")
        let lines = mounts.stdout.text.split(separator: "\n")
        #expect(lines.count > 5)
        for line in lines {
            let fields = line.split(separator: " ")
            let options = Set(fields[5].split(separator: ",").map(String.init))
            // Devices of the host, bound one by one where nodes cannot be made; terminals of its own.
            if fields[4].hasPrefix("/dev") || fields[3] == "/null" { continue }
            #expect(options.isSuperset(of: ["nodev", "nosuid"]), "\(line)")
        }
    }

    @Test(.attack(16)) func `D16 Only harmless devices are there`() async throws {
        let names = [
            "mem", "kmem", "port", "kvm", "fuse", "net/tun", "vsock", "vhost-vsock", "vhost-net", "vda", "sda",
            "nvme0n1",
            "loop-control", "loop0", "snd/seq", "input/event0", "dri/card0", "uinput", "userfaultfd", "udmabuf",
            "console", "tty0",
            "tty1", "kmsg", "hwrng", "rtc0", "watchdog", "mapper/control", "cuse", "ppp", "vfio/vfio", "btrfs-control",
            "cpu/0/msr",
        ]
        try await Target.withWorkspace { workspace in
            try await workspace.probe(["open"] + names.map { "/dev/" + $0 }).expectAll(["ENOENT"])
            #expect(try await workspace.exec(.shell("ls /dev | tr '\\n' ' '")).stdout.text == Self.present)
        }
    }

    @Test(.attack(17)) func `D17 A setuid program gives nothing`() async throws {
        var policy = Policy()
        policy.identity = .root
        try await Target.withWorkspace(policy) { workspace in
            try await workspace.installProbe()
            let made = try await workspace.exec(.shell("chmod 6755 /tmp/probe; stat -c %a /tmp/probe"))
            #expect(made.stdout.text == "6755\n")
            let become =
                isRoot
                ? "import os; os.setgroups([]); os.setresgid(1000,1000,1000); os.setresuid(1000,1000,1000)"
                : "import os"
            let run = try await workspace.exec(
                ExecRequest(argv: ["python3", "-c", become + "; os.execv('/tmp/probe', ['/tmp/probe', 'identities'])"]))
            let seen = Seen(run)
            #expect(seen.number("fsuid") == (isRoot ? 1000 : 0))
            if isRoot { #expect(seen["setuid_0"] == "EPERM") }
        }
        try await Target.withWorkspace { workspace in
            try await workspace.write("/tmp/suid", Target.probeProgram, mode: 0o4755)
            let user = try await workspace.exec(
                .shell("chmod 4755 /tmp/suid; /tmp/suid capabilities; su -c id root < /dev/null 2>&1; id -u"))
            let seen = Seen(user)
            #expect(seen.number("effective") == 0 && seen.number("no_new_privs") == 1)
            #expect(!user.stdout.text.contains("uid=0") && user.stdout.text.hasSuffix("1000\n"))
        }
    }

    @Test(.attack(18)) func `D18 Attributes and whiteouts of overlays cannot be forged`() async throws {
        try await Target.withWorkspace { workspace in
            let seen = try await workspace.probe("attributes", ".")
            for name in ["trusted.overlay.opaque", "trusted.overlay.redirect", "security.ima"] {
                #expect(seen[name] == "EPERM")
            }
            #expect(["EINVAL", "EPERM"].contains(seen["security.capability"]))
            #expect(["EPERM", "EACCES"].contains(try await workspace.probe("nodes")["whiteout"]))
            // Those of the user's own kind may be set, but must not mean anything to a mount over this one.
            let script = """
                import os
                os.makedirs('d/sub'); open('d/f', 'w').write('inside')
                for name in ['opaque', 'redirect', 'metacopy', 'origin', 'whiteout', 'impure', 'nlink']:
                    for path in ['d', 'd/f', '.']:
                        try: os.setxattr(path, 'user.overlay.' + name, b'/etc' if name == 'redirect' else b'y')
                        except OSError: pass
                """
            #expect(try await workspace.exec(ExecRequest(argv: ["python3", "-c", script])).exitCode == 0)
            let snapshot = try await workspace.snapshot()
            let fork = try await Target.host.open(snapshot)
            let found = try await fork.exec(.shell("cat d/f; ls -A d d/sub; ls /etc/passwd; ls / | head -1"))
            await fork.close()
            #expect(found.stdout.text == "insided:\nf\nsub\n\nd/sub:\n/etc/passwd\nbin\n")
        }
    }

    @Test(.attack(19)) func `D19 Files cannot be opened by guessed handles`() async throws {
        try await Target.probe("handles").expectAll(["EPERM"])
    }

    @Test(.attack(20)) func `D20 Files of the system cannot be linked or renamed into reach`() async throws {
        try await Target.probe("links").expectAll(["EXDEV", "EPERM", "EROFS", "EACCES"])
        #expect(access("/usr/bin/env", X_OK) == 0 && access("/usr/bin/env2", F_OK) != 0)
    }

    @Test(.attack(21), arguments: Policy.Identity.allCases)
    func `D21 Writing a lower file changes a copy only`(identity: Policy.Identity) async throws {
        var policy = Policy()
        policy.identity = identity
        let before = hostBytes("/usr/bin/env")
        let name = hostBytes("/etc/hostname")
        let seen = try await Target.shell(
            """
            for f in /usr/bin/env /etc/hostname /etc/passwd; do
              (dd if=/dev/zero of=$f bs=16 count=1 conv=notrunc; truncate -s 0 $f; chmod 777 $f; touch $f) 2>/dev/null; done
            echo done
            """, policy)
        #expect(seen.stdout.text == "done\n")
        #expect(before.count > 1000 && hostBytes("/usr/bin/env") == before && hostBytes("/etc/hostname") == name)
        let next = try await Target.shell("cat /etc/hostname; head -1 /etc/passwd | cut -c1-4", policy)
        #expect(next.stdout.text == "workspace\nroot\n", "the template itself has changed")
    }

    @Test(.attack(22)) func `D22 The ways to write into the page cache are closed`() async throws {
        let before = hostBytes("/usr/bin/env")
        try await Target.withWorkspace { workspace in
            let families = try await workspace.probe("families")
            for name in ["alg", "rxrpc", "key", "netlink_xfrm", "netlink_crypto"] {
                #expect(families[name] == "EPERM", "\(name)")
            }
            #expect(try await workspace.probe("forbidden")["vmsplice"] == "EPERM")
            // Dirty Pipe: a pipe full of mergeable buffers, emptied, then a page of the file, then a write.
            let dirty = """
                import os
                r, w = os.pipe()
                for _ in range(16): os.write(w, b'A' * 4096)
                for _ in range(16): os.read(r, 4096)
                fd = os.open('/usr/bin/env', os.O_RDONLY)
                import ctypes
                off = ctypes.c_longlong(0)
                n = ctypes.CDLL(None).splice(fd, ctypes.byref(off), w, None, 1, 0)
                os.write(w, b'DIRTY'); print(n, open('/usr/bin/env', 'rb').read(8))
                """
            let seen = try await workspace.exec(ExecRequest(argv: ["python3", "-c", dirty]))
            #expect(seen.stdout.text.contains("ELF"), "\(seen.stdout.text)\(seen.stderr.text)")
        }
        #expect(hostBytes("/usr/bin/env") == before)
    }

    @Test(.attack(23)) func `D23 Sockets of the host cannot be reached by path`() async throws {
        try await withHostDirectory { directory in
            let path = directory + "/control"
            let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            defer { close(listener) }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            #expect(bound == 0 && listen(listener, 1) == 0)
            chmod(path, 0o777)
            for binds in [[], [HostOptions.Bind(directory, at: directory)]] {
                let workspace = try await Target.host.open(Policy(), binds: binds)
                let others = [
                    "/run/docker.sock", "/var/run/docker.sock", "/run/dbus/system_bus_socket", "/tmp/.X11-unix/X0",
                ]
                let seen = try await workspace.probe(["unix-connect", path, "/proc/1/root" + path] + others)
                seen.expectAll(["ENOENT", "ECONNREFUSED", "EACCES"])
                await workspace.close()
            }
        }
    }

    /// Takes every hold that a reader can have on a file, until its input ends; then says what it was told of others' doings.
    private static let hold = """
        import ctypes, fcntl, os, signal, struct, sys
        libc = ctypes.CDLL(None)
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        events = libc.inotify_init1(os.O_NONBLOCK)
        for place in sys.argv[1:] + ['/usr/bin']: libc.inotify_add_watch(events, place.encode(), 0x33)
        held = []
        for name in [sys.argv[1] + '/file', sys.argv[2]]:
            file = open(name)
            held.append(file)
            for what, take in [('lock', lambda: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)),
                               ('range', lambda: fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)),
                               ('lease', lambda: fcntl.fcntl(file, 1024, fcntl.F_RDLCK))]:
                try: take(); print(what + '=ok', flush=True)
                except OSError as error: print(what + '=' + os.strerror(error.errno), flush=True)
        def told():
            names, data = [], b''
            try: data = os.read(events, 1 << 20)
            except BlockingIOError: pass
            while data:
                length = struct.unpack_from('iIII', data)[3]
                names.append(data[16:16 + length].rstrip(b'\\0').decode())
                data = data[16 + length:]
            return sorted(set(names))
        print('own', told(), flush=True)
        sys.stdin.read()
        print('others', told(), flush=True)
        """

    @Test(.attack(23), arguments: Policy.Identity.allCases)
    func `D23 What is bound shows its bytes, and leads to nobody who uses it outside`(
        identity: Policy.Identity
    ) async throws {
        var policy = Policy()
        policy.identity = identity
        try await withHostDirectory { directory in
            let file = directory + "/file"
            writeHostFile(file, Array("data".utf8), mode: 0o666)
            if isRoot { chown(file, identity == .root ? 0 : 1000, 0) }
            #expect(mkfifo(directory + "/pipe", 0o666) == 0 && chmod(directory + "/pipe", 0o666) == 0)
            chmod(directory, 0o755)
            let reader = Glibc.open(directory + "/pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            defer { close(reader) }
            let workspace = try await Target.host.open(
                policy, binds: [.init(directory, at: "/opt/data"), .init(file, at: "/opt/one")])
            var request = ExecRequest(argv: ["python3", "-c", Self.hold, "/opt/data", "/opt/one"])
            request.keepsInput = true
            let job = try await workspace.start(request)
            let isHeld = try await eventually { job.stdout.text.contains("own") || job.result != nil }
            #expect(isHeld && job.stdout.text.contains("own ['', 'file']") && job.stdout.text.contains("lock=ok"))
            #expect(job.stdout.text.contains("range=ok"))

            // The host goes on as if nobody were there.
            let writer = Glibc.open(file, O_RDWR | O_NONBLOCK | O_CLOEXEC)
            #expect(writer >= 0 && flock(writer, LOCK_EX | LOCK_NB) == 0, "\(errno)")
            var range = flock()
            range.l_type = Int16(F_WRLCK)
            #expect(withUnsafeMutablePointer(to: &range) { fcntl(writer, F_SETLK, $0) } == 0, "\(errno)")
            close(writer)
            #expect(await runOnHost("/usr/bin/env", ["cat", file]) == "data")
            job.finishInput()
            #expect(try await job.wait().stdout.text.contains("others []"))

            let pipe = try await workspace.exec(
                .shell(
                    "timeout 1 sh -c 'echo leaked > /opt/data/pipe'; cat /opt/data/file; grep -c \(directory) /proc/self/mountinfo"
                ))
            #expect(pipe.stdout.text == "data0\n")
            var bytes = [UInt8](repeating: 0, count: 16)
            #expect(read(reader, &bytes, 16) <= 0)
            await workspace.close()
        }
    }

    @Test(.attack(24)) func `D24 No directory of the host is writable inside`() async throws {
        let mounts = try await Target.shell(
            "cat /proc/self/mountinfo; rmdir /usr/lib /usr/local/bin 2>&1 | grep -c 'Read-only'; true")
        for line in mounts.stdout.text.split(separator: "\n") where line.contains(" - ") {
            let halves = line.split(separator: "-", maxSplits: 1)
            let fields = line.split(separator: " ")
            let type = String(halves[1].split(separator: " ")[0])
            if ["tmpfs", "overlay", "proc", "devpts"].contains(type) { continue }
            if fields[3] == "/null" || fields[4].hasPrefix("/dev/") { continue }
            #expect(fields[5].split(separator: ",").contains("ro"), "\(line)")
        }
        #expect(mounts.stdout.text.hasSuffix("\n2\n"))
    }
}
