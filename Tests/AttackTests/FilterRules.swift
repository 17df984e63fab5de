import Glibc
import Testing
import WorkspaceShim

@testable import Workspaces

/// What the filter says of a call with these arguments, in a workspace whose network is its own.
struct Ruling: CustomStringConvertible, Sendable {
    var call: String
    var arguments: [UInt64]
    var verdict: FilterProgram.Verdict

    init(_ verdict: FilterProgram.Verdict, _ call: String, _ arguments: UInt64...) {
        (self.call, self.arguments, self.verdict) = (call, arguments, verdict)
    }

    var description: String { "\(call)(\(arguments.map { "0x" + String($0, radix: 16) }.joined(separator: ", ")))" }

    /// The kernel looks at 32 bits of these arguments; so must the filter.
    var withUpperBits: Ruling {
        var other = self
        other.arguments = arguments.map { $0 | 0xdead << 32 }
        return other
    }

    static let namespaces: [UInt64] = [
        0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
    ]
    private static let signal: UInt64 = 17, none: UInt64 = .max

    static let terminals =
        [0x5412, 0x541c, 0x5423, 0x541d].map { Ruling(.refuse, "ioctl", none, $0) } + [
            Ruling(.allow, "ioctl", none, 0x5401), Ruling(.allow, "ioctl", none, 0x5413),
        ]
    static let clones =
        namespaces.map { Ruling(.refuse, "clone", $0 | signal) } + [
            Ruling(.refuse, "clone", namespaces.reduce(signal) { $0 | $1 }),
            Ruling(.allow, "clone", 0x1_0000),  // a thread that shares nothing: the kernel says EINVAL
            Ruling(.none, "clone3", 0, 0),
            Ruling(.refuse, "unshare", 0x1000_0000), Ruling(.refuse, "unshare", 0x80),
            Ruling(.refuse, "setns", none, 0),
        ]
    static let processes = [
        Ruling(.refuse, "prctl", 35), Ruling(.refuse, "prctl", 0x5961_6d61), Ruling(.refuse, "prctl", 26),
        Ruling(.refuse, "prctl", 62), Ruling(.refuse, "prctl", 67), Ruling(.allow, "prctl", 3),
        Ruling(.allow, "personality", 0), Ruling(.allow, "personality", 0xffff_ffff),
        Ruling(.refuse, "personality", 8), Ruling(.refuse, "personality", 0x4_0000),
        Ruling(.refuse, "personality", 0x40_0000),
        Ruling(.refuse, "sched_setaffinity", 1, 0, 0), Ruling(.allow, "sched_setaffinity", 0, 0, 0),
        Ruling(.refuse, "sched_setscheduler", 1, 0, 0), Ruling(.refuse, "sched_setparam", 1, 0),
        Ruling(.refuse, "sched_setattr", 1, 0, 0), Ruling(.refuse, "setpriority", 2, 0, 0),
        Ruling(.refuse, "setpriority", 0, 1, 0), Ruling(.allow, "setpriority", 0, 0, 0),
        Ruling(.refuse, "ioprio_set", 3, 0, 0), Ruling(.refuse, "ioprio_set", 1, 1, 0),
        Ruling(.allow, "ioprio_set", 9, 0, 0), Ruling(.refuse, "ptrace", 0), Ruling(.refuse, "kcmp", 1, 1),
        Ruling(.refuse, "madvise", 0, 0, 12), Ruling(.allow, "madvise", 0, 0, 4),
    ]
    static let limits = [
        Ruling(.pretend, "setrlimit", 4, 1), Ruling(.pretend, "prlimit64", 0, 4, 1),
        Ruling(.pretend, "prlimit64", 0, 4, 1 << 32), Ruling(.allow, "prlimit64", 0, 4, 0),
        Ruling(.quiet, "setrlimit", 12, 1), Ruling(.quiet, "prlimit64", 0, 12, 1),
        Ruling(.quiet, "prlimit64", 0, 12, 1 << 32), Ruling(.quiet, "prlimit64", 1, 7, 1),
        Ruling(.allow, "prlimit64", 0, 12, 0), Ruling(.allow, "prlimit64", 0, 99, 1),
    ]
    static let sockets =
        [1, 2, 10].map { Ruling(.allow, "socket", $0, 1, 0) } + [
            Ruling(.allow, "socket", 2, 0x8_0802, 17), Ruling(.allow, "socket", 16, 3, 0),
            Ruling(.refuse, "socket", 2, 3, 1), Ruling(.refuse, "socket", 10, 3, 58),
            Ruling(.refuse, "socket", 2, 5, 0),
            Ruling(.refuse, "socket", 2, 1, 132), Ruling(.refuse, "socket", 2, 1, 262),
            Ruling(.refuse, "socket", 2, 2, 136),
            Ruling(.noProtocol, "socket", 16, 3, 9),
            Ruling(.allow, "socketpair", 1, 1, 0, 0), Ruling(.refuse, "socketpair", 2, 1, 0, 0),
            Ruling(.refuse, "setsockopt", none, 6, 31), Ruling(.allow, "setsockopt", none, 6, 1),
            Ruling(.allow, "setsockopt", none, 1, 31),
        ] + (0...50).filter { ![1, 2, 10, 16].contains($0) }.map { Ruling(.refuse, "socket", $0, 2, 0) }
        + (1...22).filter { $0 != 9 }.map { Ruling(.refuse, "socket", 16, 3, $0) }

    static let all = terminals + clones + processes + limits + sockets
}

@Suite struct FilterRules {
    @Test(.attack(50), arguments: Architecture.allCases)
    func `D50 Calls are judged by their arguments, the same on every architecture`(architecture: Architecture) throws {
        let filter = try FilterProgram(architecture, ISE_FILTER_NOTIFY, ISE_FILTER_ROUTE_NETLINK)
        for ruling in Ruling.all {
            let number = try #require(architecture.number(of: ruling.call))
            #expect(filter.verdict(number, ruling.arguments) == ruling.verdict, "\(ruling)")
            let wide = ruling.withUpperBits
            // A pointer has 64 bits; what is compared with it is whether it is one.
            if ruling.call == "prlimit64" { continue }
            #expect(filter.verdict(number, wide.arguments) == ruling.verdict, "\(wide)")
        }
    }

    @Test(.attack(50), arguments: Architecture.allCases)
    func `D50 Each condition of the policy changes what it is for and nothing else`(architecture: Architecture) throws {
        let plain = try FilterProgram(architecture)
        let root = try FilterProgram(architecture, ISE_FILTER_ROOT)
        let route = try FilterProgram(architecture, ISE_FILTER_ROUTE_NETLINK)
        let reported = try FilterProgram(architecture, ISE_FILTER_NOTIFY)
        let tracked = try FilterProgram(architecture, ISE_FILTER_PROCESSES)
        for number in 0...Architecture.lastCall {
            let name = architecture.name(number), verdict = plain.verdict(number)
            #expect(root.verdict(number) == (name == "chroot" ? .allow : verdict), "\(name)")
            #expect(route.verdict(number) == verdict, "\(name)")
            let isFollowed = ["execve", "execveat", "exit_group"].contains(name)
            #expect(tracked.verdict(number) == (isFollowed ? .refuse : verdict), "\(name)")
            let isQuiet = ["mbind", "set_mempolicy"].contains(name)
            #expect(reported.verdict(number) == (verdict == .quiet && !isQuiet ? .refuse : verdict), "\(name)")
        }
        let socket = try #require(architecture.number(of: "socket"))
        #expect(plain.verdict(socket, [16, 3, 0]) == .quiet && route.verdict(socket, [16, 3, 0]) == .allow)
    }

    @Test(.attack(50), arguments: Architecture.allCases)
    func `D50 Only who knows the secret may mark a process`(architecture: Architecture) throws {
        let filter = try FilterProgram(architecture)
        let number = try #require(architecture.number(of: "prlimit64"))
        let secret = FilterProgram.secret.map(UInt64.init)
        #expect(filter.verdict(number, [0, 12, 1, 0] + secret) == .allow)
        for wrong in [[secret[0], 0], [0, secret[1]], [secret[1], secret[0]], [0, 0], [secret[0] + 1, secret[1]]] {
            #expect(filter.verdict(number, [0, 12, 1, 0] + wrong) == .quiet)
        }
        #expect(filter.verdict(number, [1, 12, 1, 0] + secret) == .quiet, "not of another")
    }

    @Test(.attack(64), arguments: Architecture.allCases)
    func `D64 A number that no call has, or none yet, does not exist`(architecture: Architecture) throws {
        let filter = try FilterProgram(architecture, ISE_FILTER_NOTIFY)
        let edges: [UInt32] = [0x3fff_ffff, 0x7fff_ffff & ~0x4000_0000, 0xffff, 0xf0005, 100_000]
        for number in Array(468...4096) + edges { #expect(filter.verdict(number) == .none, "\(number)") }
        // -1 is how a tracer skips a call; on x86_64 libseccomp makes an exception of it from the numbers of x32.
        #expect(filter.verdict(.max) == .none)
    }

    /// What C libraries ask for first and do without: they must be told that it does not exist.
    @Test(.attack(65), arguments: Architecture.allCases)
    func `D65 New calls are allowed, or refused so that programs fall back`(architecture: Architecture) throws {
        let filter = try FilterProgram(architecture, ISE_FILTER_NOTIFY)
        let agreed: [(UInt32, FilterProgram.Verdict)] = [
            (435, .none),  // clone3: its flags are behind a pointer
            (436, .allow), (437, .allow), (439, .allow), (441, .allow),  // close_range, openat2, faccessat2, epoll_pwait2
            (444, .allow), (445, .allow), (446, .allow),  // landlock_*
            (449, .none), (451, .none),  // futex_waitv, cachestat
            (452, .allow), (453, .allow),  // fchmodat2, map_shadow_stack
            (454, .none), (455, .none), (456, .none),  // futex_wake, futex_wait, futex_requeue
            (457, .none), (458, .none), (459, .none), (460, .none), (461, .none),  // statmount, listmount, lsm_*
            (462, .allow), (463, .allow), (464, .allow), (465, .allow), (466, .allow),  // mseal, *xattrat
            (467, .refuse), (468, .none), (469, .none),  // open_tree_attr, file_getattr, file_setattr
            (425, .refuse), (426, .refuse), (427, .refuse), (428, .refuse), (442, .refuse), (447, .refuse),
        ]
        for (number, verdict) in agreed { #expect(filter.verdict(number) == verdict, "\(number)") }
        for name in ["statx", "rseq", "renameat2", "getrandom", "memfd_create", "copy_file_range", "pidfd_open"] {
            let number = try #require(architecture.number(of: name))
            #expect(filter.verdict(number) == .allow, "\(name)")
        }
    }

    @Test(.attack(50)) func `D50 The kernel judges as this suite's interpreter does`() async throws {
        let asked = Ruling.all.map { ruling in
            let words = [UInt64(Architecture.native.number(of: ruling.call)!)] + ruling.arguments
            return words.map { String($0, radix: 16) }.joined(separator: ":")
        }
        let seen = try await Target.withWorkspace { try await $0.probe(["calls"] + asked) }
        for (ruling, name) in zip(Ruling.all, asked) {
            let value = seen[name]
            switch ruling.verdict {
            case .allow: #expect(!["EPERM", "ENOSYS", "SIGSYS", "nothing seen"].contains(value), "\(ruling): \(value)")
            case .refuse, .quiet: #expect(value == "EPERM", "\(ruling): \(value)")
            case .none: #expect(value == "ENOSYS", "\(ruling): \(value)")
            case .pretend: #expect(value == "ok", "\(ruling): \(value)")
            case .noProtocol: #expect(value == "EPROTONOSUPPORT", "\(ruling): \(value)")
            case .kill, .other: Issue.record("\(ruling)")
            }
        }
    }
}
