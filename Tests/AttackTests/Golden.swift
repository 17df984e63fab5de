import Glibc
import Testing
import WorkspaceShim

@testable import Workspaces

@Suite struct Golden {
    private static func filter(_ architecture: Architecture = .native) throws -> FilterProgram {
        try FilterProgram(architecture, ISE_FILTER_NOTIFY, ISE_FILTER_ROUTE_NETLINK)
    }

    private static func verdicts(_ architecture: Architecture = .native) throws -> [FilterProgram.Verdict] {
        let filter = try filter(architecture)
        return (0...Architecture.lastCall).map { filter.verdict($0) }
    }

    /// The list that was agreed on. To change it: run with ISE_WRITE_GOLDEN=1, read the difference.
    @Test(.attack(64), arguments: Architecture.allCases)
    func `D64 The calls that are allowed are those of the list in the repository`(architecture: Architecture) throws {
        let path =
            (#filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 })
            + "/golden/syscalls-\(architecture.rawValue).txt"
        let lines = try Self.verdicts(architecture).enumerated().compactMap { number, verdict -> String? in
            verdict == .none ? nil : "\(verdict.rawValue) \(architecture.name(UInt32(number)))"
        }
        let text = lines.sorted().joined(separator: "\n") + "\n"
        if getenv("ISE_WRITE_GOLDEN") != nil { writeHostFile(path, Array(text.utf8)) }
        let golden = hostFile(path)
        if golden.isEmpty { try skip("the sources are not here") }
        let ours = Set(lines), agreed = Set(golden.split(separator: "\n").map(String.init))
        #expect(ours.subtracting(agreed).isEmpty, "not on the list")
        #expect(agreed.subtracting(ours).isEmpty, "only on the list")
    }

    /// aarch64 is younger than Linux's habit of taking flags and a directory: what x86_64 keeps beside that, it never had.
    static let successors = [
        "access": "faccessat", "alarm": "setitimer", "chmod": "fchmodat", "chown": "fchownat", "creat": "openat",
        "dup2": "dup3", "epoll_create": "epoll_create1", "epoll_wait": "epoll_pwait", "eventfd": "eventfd2",
        "fork": "clone", "futimesat": "utimensat", "getdents": "getdents64", "getpgrp": "getpgid",
        "inotify_init": "inotify_init1", "lchown": "fchownat", "link": "linkat", "lstat": "newfstatat",
        "mkdir": "mkdirat", "mknod": "mknodat", "open": "openat", "pause": "ppoll", "pipe": "pipe2", "poll": "ppoll",
        "readlink": "readlinkat", "rename": "renameat", "rmdir": "unlinkat", "select": "pselect6",
        "signalfd": "signalfd4", "stat": "newfstatat", "symlink": "symlinkat", "time": "gettimeofday",
        "unlink": "unlinkat", "utime": "utimensat", "utimes": "utimensat", "vfork": "clone",
    ]

    @Test(.attack(64)) func `D64 The lists of the architectures mean the same`() throws {
        func calls(_ architecture: Architecture) throws -> [String: FilterProgram.Verdict] {
            let verdicts = try Self.verdicts(architecture).enumerated().filter { $1 != .none }
            return Dictionary(uniqueKeysWithValues: verdicts.map { (architecture.name(UInt32($0)), $1) })
        }
        let x86 = try calls(.x86_64), arm = try calls(.aarch64)
        for (name, verdict) in arm { #expect(x86[name] == verdict, "\(name)") }
        for (name, verdict) in x86 where arm[name] == nil {
            #expect(Architecture.aarch64.number(of: name) == nil, "\(name) is forgotten")
            guard verdict == .allow else { continue }
            if name == "arch_prctl" { continue }  // sets the register of a thread's own data, which aarch64 may write itself
            #expect(Self.successors[name].map { arm[$0] } == .allow, "\(name) has no successor")
        }
    }

    @Test(.attack(64)) func `D64 Every number gets from the kernel what the filter says, and nothing dies of it`()
        async throws
    {
        let verdicts = try Self.verdicts()
        let seen = try await Target.withWorkspace {
            try await $0.probe(["scan", "\(Architecture.lastCall)"], timeout: .seconds(110))
        }
        #expect(seen.values.count == verdicts.count, "it ended early: \(seen.result.endedBy)")
        for (number, verdict) in verdicts.enumerated() {
            // uretprobe and uprobe: Linux keeps them from every filter, and they end whoever calls them out of place.
            if Architecture.native == .x86_64, number == 335 || number == 336 { continue }
            let value = seen["\(number)"]
            switch verdict {
            case .none: #expect(value == "ENOSYS", "\(syscallName(Int32(number))): \(value)")
            case .refuse, .quiet: #expect(value == "EPERM", "\(syscallName(Int32(number))): \(value)")
            case .allow, .pretend: #expect(value != "SIGSYS", "\(syscallName(Int32(number))): \(value)")
            case .kill, .noProtocol, .other: Issue.record("\(syscallName(Int32(number))): the filter says \(verdict)")
            }
        }
    }

    @Test(.attack(50, 51), arguments: Architecture.allCases)
    func `D50 D51 The filter kills every call of another architecture or of x32`(architecture: Architecture) throws {
        let filter = try FilterProgram(architecture, ISE_FILTER_NOTIFY)
        // i386, ARM, aarch64, x86_64, 32-bit x86 under another name.
        let others: [UInt32] = [0x4000_0003, 0x4000_0028, ISE_AARCH64, ISE_X86_64, 3]
        for number in 0...UInt32(600) {
            for other in others where other != architecture.number {
                #expect(filter.verdict(number, architecture: other) == .kill)
            }
            if architecture == .x86_64 { #expect(filter.verdict(number | 0x4000_0000) == .kill) }
        }
    }

    @Test(.attack(66), arguments: Architecture.allCases)
    func `D66 No decision hangs on what a pointer points to`(architecture: Architecture) throws {
        // A filter cannot follow a pointer, and nothing else decides: refused calls are refused by their number (DenialListener).
        let plain: [String: Set<Int>] = [
            "ioctl": [1], "prctl": [0], "personality": [0], "clone": [0], "socket": [0, 1, 2], "socketpair": [0],
            "setsockopt": [1, 2], "madvise": [2], "setrlimit": [0], "prlimit64": [0, 1, 2, 4, 5],
            "sched_setaffinity": [0], "sched_setscheduler": [0], "sched_setparam": [0], "sched_setattr": [0],
            "setpriority": [0, 1], "ioprio_set": [0, 1],
        ]
        let filter = try Self.filter(architecture)
        var inspected: [String: Set<Int>] = [:]
        for number in 0...Architecture.lastCall {
            for value: UInt64 in [0, 1, 2, 4, 6, 10, 16, .max] {
                for index in 0..<6 {
                    var arguments = [UInt64](repeating: 0, count: 6)
                    arguments[index] = value
                    _ = filter.verdict(number, arguments) {
                        inspected[architecture.name(number), default: []].insert($0)
                    }
                }
            }
        }
        #expect(Set(inspected.keys) == Set(plain.keys))
        for (name, arguments) in inspected {
            #expect(arguments.isSubset(of: plain[name] ?? []), "\(name): \(arguments)")
        }
    }
}
