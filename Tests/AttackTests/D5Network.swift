import Glibc
import Testing

@testable import Workspaces

@Suite(.serialized) struct D5Network {
    /// A socket of the host that listens on loopback, and its port.
    private static func listen(family: Int32 = AF_INET) -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                _ = bind(descriptor, raw, length)
                _ = Glibc.listen(descriptor, 4)
                getsockname(descriptor, raw, &length)
            }
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// Addresses of the host's own interfaces.
    private static func ownAddresses() -> [String] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: [String] = []
        var at = list
        while let entry = at?.pointee {
            at = entry.ifa_next
            guard let address = entry.ifa_addr, address.pointee.sa_family == sa_family_t(AF_INET) else { continue }
            var name = [CChar](repeating: 0, count: 64)
            if getnameinfo(address, socklen_t(MemoryLayout<sockaddr_in>.size), &name, 64, nil, 0, NI_NUMERICHOST) == 0 {
                found.append(String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
            }
        }
        return found
    }

    @Test(.attack(67), arguments: [Policy.Network.none, .loopback])
    func `D67 The host's own services cannot be reached`(network: Policy.Network) async throws {
        let (descriptor, port) = Self.listen()
        defer { close(descriptor) }
        var policy = Policy()
        policy.network = network
        try await Target.withWorkspace(policy) { workspace in
            var arguments = ["connect"]
            for address in ["127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::ffff:127.0.0.1"] + Self.ownAddresses() {
                arguments += [address, "\(port)"]
            }
            try await workspace.probe(arguments).expectAll(["ECONNREFUSED", "ENETUNREACH", "EADDRNOTAVAIL"])
        }
        // Nobody came.
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        #expect(Glibc.poll(&poll, 1, 0) == 0)
    }

    @Test(.attack(68)) func `D68 Metadata services and the rest of the world cannot be reached`() async throws {
        let addresses = [
            "169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254", "192.0.2.1", "198.51.100.1",
            "203.0.113.1",
            "2001:db8::1", "224.0.0.1", "255.255.255.255", "10.0.0.1", "172.17.0.1", "192.168.0.1",
        ]
        try await Target.withWorkspace { workspace in
            try await workspace.probe(["connect"] + addresses.flatMap { [$0, "80"] }).expectAll([
                "ENETUNREACH", "EACCES", "EADDRNOTAVAIL",
            ])
            let names = try await workspace.exec(
                ExecRequest(argv: [
                    "python3", "-c",
                    """
                    import socket
                    for name in ('metadata.google.internal', 'example.com', 'localhost.localdomain'):
                        try: print(socket.getaddrinfo(name, 80))
                        except OSError: print('unknown')
                    """,
                ]))
            #expect(names.stdout.text == "unknown\nunknown\nunknown\n", "\(names.stdout.text)\(names.stderr.text)")
        }
    }

    @Test(.attack(69), arguments: [Policy.Network.none, .loopback])
    func `D69 Abstract sockets of the host and of siblings cannot be reached`(network: Policy.Network) async throws {
        var policy = Policy()
        policy.network = network
        let shared = policy
        let name = "ise-attack-\(getpid())-\(network.description)"
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { space in space[1...].copyBytes(from: Array(name.utf8)) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + 1 + name.utf8.count)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, length) }
        }
        #expect(bound == 0 && Glibc.listen(listener, 1) == 0)
        try await Target.withWorkspace(shared) { first in
            try await first.installProbe()
            let job = try await first.start(ExecRequest(argv: ["/tmp/probe", "unix-listen", "@sibling"]))
            #expect(try await eventually { job.stdout.text.contains("listening=ok") })
            try await Target.withWorkspace(shared) { second in
                let seen = try await second.probe("unix-connect", "@sibling", "@" + name)
                seen.expectAll(["ECONNREFUSED", "EPERM"])
                #expect(try await second.exec(.shell("grep -c @ /proc/net/unix")).stdout.text == "0\n")
            }
            #expect(try await first.probe("unix-connect", "@sibling")["@sibling"] == "ok")
        }
    }

    @Test(.attack(70, 71), arguments: [Policy.Network.none, .loopback])
    func `D70 D71 Families of sockets beyond the usual are refused`(network: Policy.Network) async throws {
        var policy = Policy()
        policy.network = network
        try await Target.withWorkspace(policy) { workspace in
            try await workspace.probe("families").expectAll(["EPERM"], except: ["netlink_audit": "EPROTONOSUPPORT"])
            try await workspace.probe("usual-sockets").expectAll(
                ["ok"], except: ["route": network == .none ? "EPERM" : "ok"])
        }
    }

    @Test(.attack(72)) func `D72 Descriptors in flight do not keep the host from its answers`() async throws {
        try await Target.withWorkspace { workspace in
            try await workspace.installProbe()
            let bomb = try await workspace.start(ExecRequest(argv: ["/tmp/probe", "in-flight", "60"]))
            #expect(try await eventually { bomb.stdout.text.contains("in_flight=") })
            #expect(bomb.stdout.text.contains("ETOOMANYREFS") || bomb.stdout.text.contains("EMFILE"))
            let answered = try await within(.seconds(30)) {
                try await workspace.write("file", [1])
                return try await workspace.read("file")
            }
            #expect(answered == [1])
            let opened = try await within(.seconds(30)) { try await Target.shell("echo new").stdout.text }
            #expect(opened == "new\n", "the next workspace cannot be opened")
        }
    }

    @Test(.attack(73)) func `D73 The proxy of an allow-list`() async throws {
        let (listener, port) = Self.listen()
        defer { close(listener) }
        let ask = """
            import socket, sys
            for line in REQUESTS:
                s = socket.create_connection(('127.0.0.1', 3128), 20)
                s.sendall(line.replace('PORT', sys.argv[1]).encode('latin-1'))
                print(s.recv(64).split(b' ')[1].decode(), line.encode())
            """
        let requests = [
            "CONNECT 127.0.0.1:PORT HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n",  // the one that is allowed
            "CONNECT 127.1:PORT HTTP/1.0\r\n\r\n", "CONNECT 0x7f000001:PORT HTTP/1.0\r\n\r\n",
            "CONNECT 2130706433:PORT HTTP/1.0\r\n\r\n", "CONNECT 0177.0.0.1:PORT HTTP/1.0\r\n\r\n",
            "CONNECT [::ffff:127.0.0.1]:PORT HTTP/1.0\r\n\r\n", "CONNECT localhost:PORT HTTP/1.0\r\n\r\n",
            "CONNECT 127.0.0.1:1 HTTP/1.0\r\n\r\n", "CONNECT 127.0.0.1 HTTP/1.0\r\n\r\n",
            "CONNECT 169.254.169.254:80 HTTP/1.0\r\n\r\n", "CONNECT allowed.example:22 HTTP/1.0\r\n\r\n",
            "CONNECT evil.example\0.allowed.example:443 HTTP/1.0\r\n\r\n",
            "CONNECT allowed.example.evil.example:443 HTTP/1.0\r\n\r\n",
            "CONNECT evil.example#.allowed.example:443 HTTP/1.0\r\n\r\n",
            "CONNECT 127.0.0.1:PORT HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
            "GET http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            "GET http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nHost: evil.example\r\n\r\n",
            "GET http://127.0.0.1:PORT@evil.example/ HTTP/1.0\r\n\r\n",
            "GET http://evil.example\\@127.0.0.1:PORT/ HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n",
            "GET https://127.0.0.1:PORT/ HTTP/1.0\r\n\r\n",
            "POST http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 1\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST http://127.0.0.1:PORT/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nTransfer-Encoding : chunked\r\n\r\n",
            "GET http://127.0.0.1:PORT/ HTTP/1.1\nHost: 127.0.0.1:PORT\n\n",
        ]
        var policy = Policy()
        policy.network = .allowList(try EgressRule.list(["127.0.0.1:\(port)", "allowed.example:443"]))
        try await Target.withWorkspace(policy) { workspace in
            let literal =
                "["
                + requests.map {
                    "'" + $0.debugDescription.dropFirst().dropLast().replacing("\\0", with: "\\x00") + "'"
                }
                .joined(separator: ", ") + "]"
            let script = ask.replacing("REQUESTS", with: literal)
            let result = try await workspace.exec(ExecRequest(argv: ["python3", "-c", script, "\(port)"]))
            let answers = result.stdout.text.split(separator: "\n")
            #expect(answers.count == requests.count && answers.first?.hasPrefix("200") == true, "\(result.stderr.text)")
            for answer in answers.dropFirst() { #expect(answer.hasPrefix("4"), "\(answer)") }
            #expect(
                workspace.egressAttempts.map { $0.verdict == .allowed } == [true]
                    + answers.dropFirst().map { _ in false })
            // Past the proxy there is nothing.
            let direct = try await workspace.exec(
                ExecRequest(argv: ["python3", "-c", "import socket; socket.create_connection(('192.0.2.1', 443), 5)"]))
            #expect(direct.stderr.text.contains("unreachable"))
        }
    }

    @Test(.attack(74)) func `D74 Sockets are bounded, and siblings' ports are their own`() async throws {
        let many = """
            import socket
            kept = []
            try:
                while len(kept) < 5000: kept.append(socket.socket())
            except OSError as e: print(e.errno, len(kept) < 1024)
            """
        try await Target.withWorkspace { first in
            #expect(try await first.exec(ExecRequest(argv: ["python3", "-c", many])).stdout.text == "24 True\n")
            let serve =
                "import socket, time; s = socket.socket(); s.bind(('0.0.0.0', 8099)); s.listen(); print('up', flush=True); time.sleep(1000)"
            let job = try await first.start(ExecRequest(argv: ["python3", "-c", serve]))
            #expect(try await eventually { job.stdout.text == "up\n" })
            #expect(try await first.probe("connect", "127.0.0.1", "8099")["127.0.0.1"] == "ok")
            try await Target.probe("connect", "127.0.0.1", "8099").expectAll(["ECONNREFUSED"])
        }
    }

    @Test(.attack(75)) func `D75 Shared memory, semaphores and queues of others are not there`() async throws {
        let key = key_t(0x4953_4500 + getpid() % 256)
        let identifier = shmget(key, 4096, 0o1000 | 0o666)
        defer { if identifier >= 0 { shmctl(identifier, 0, nil) } }
        #expect(identifier >= 0)
        try await Target.withWorkspace { first in
            let other = "\(key + 1)"
            #expect(try await first.probe("make-ipc", other)["shm"] == "ok")
            #expect(try await first.probe("ipc", other)["shm"] == "ok")
            try await Target.withWorkspace { second in
                try await second.probe("ipc", other).expectAll(["ENOENT"])
                try await second.probe("ipc", "\(key)").expectAll(["ENOENT"])
                // POSIX queues do not exist at all.
                #expect(try await second.exec(.shell("ls /dev/mqueue 2>/dev/null; ls -A /dev/shm")).stdout.text == "")
            }
        }
    }
}
