import Glibc
import Testing
import WorkspaceShim

@testable import Workspaces

/// The filter as a program: what it decides about a call, without a kernel.
struct FilterProgram {
    enum Verdict: String { case allow, refuse, quiet, none, kill, pretend, other }

    /// `struct sock_filter`.
    private struct Instruction {
        var code: UInt16
        var jt, jf: UInt8
        var k: UInt32
    }

    private let code: [Instruction]

    init(flags: UInt32) throws {
        var program: UnsafeMutableRawPointer?
        var length = 0
        let error = ise_filter_compile(flags, [0x1234_5678, 0x9abc_def0], &program, &length)
        guard error == 0, let program else { throw WorkspaceError.failed(stage: "compile the filter", errno: error) }
        defer { free(program) }
        code = Array(UnsafeRawBufferPointer(start: program, count: length).bindMemory(to: Instruction.self))
    }

    /// Classic BPF over a `struct seccomp_data`. `looked` is told of each word of an argument that is read.
    func verdict(
        _ number: UInt32, architecture: UInt32, arguments: [UInt64] = [0, 0, 0, 0, 0, 0],
        looked: (Int) -> Void = { _ in }
    )
        -> Verdict
    {
        var a: UInt32 = 0
        var scratch = [UInt32](repeating: 0, count: 16)
        var x: UInt32 = 0
        var at = 0
        while at < code.count {
            let op = code[at]
            at += 1
            switch op.code {
            case 0x20:  // load a word of the data
                switch op.k {
                case 0: a = number
                case 4: a = architecture
                case 8, 12: a = 0
                default:
                    let word = Int(op.k - 16) / 4
                    looked(word / 2)
                    a = UInt32(truncatingIfNeeded: arguments[word / 2] >> (word % 2 == 0 ? 0 : 32))
                }
            case 0x60: a = scratch[Int(op.k)]
            case 0x02: scratch[Int(op.k)] = a
            case 0x54: a &= op.k
            case 0x07: x = a
            case 0x87: a = x
            case 0x05: at += Int(op.k)
            case 0x15: at += Int(a == op.k ? op.jt : op.jf)
            case 0x25: at += Int(a > op.k ? op.jt : op.jf)
            case 0x35: at += Int(a >= op.k ? op.jt : op.jf)
            case 0x45: at += Int(a & op.k != 0 ? op.jt : op.jf)
            case 0x06: return Self.verdict(of: op.k)
            default: return .other
            }
        }
        return .other
    }

    private static func verdict(of action: UInt32) -> Verdict {
        switch (action & 0xffff_0000, action & 0xffff) {
        case (0x7fff_0000, _): .allow
        case (0x7fc0_0000, _): .refuse
        case (0x0005_0000, UInt32(EPERM)): .quiet
        case (0x0005_0000, UInt32(ENOSYS)): .none
        case (0x0005_0000, 0): .pretend
        case (0x8000_0000, _): .kill
        default: .other
        }
    }
}

@Suite struct Golden {
    #if arch(x86_64)
        static let architecture: UInt32 = 0xc000_003e
        static let name = "x86_64"
    #else
        static let architecture: UInt32 = 0xc000_00b7
        static let name = "aarch64"
    #endif
    static let last: UInt32 = 1023

    private static func verdicts() throws -> [FilterProgram.Verdict] {
        let filter = try FilterProgram(flags: ISE_FILTER_NOTIFY.rawValue | ISE_FILTER_ROUTE_NETLINK.rawValue)
        return (0...last).map { filter.verdict($0, architecture: architecture) }
    }

    /// The list that was agreed on. To change it: run with ISE_WRITE_GOLDEN=1, read the difference.
    @Test(.attack(64)) func `D64 The calls that are allowed are those of the list in the repository`() async throws {
        let path =
            (#filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 })
            + "/golden/syscalls-\(Self.name).txt"
        let lines = try Self.verdicts().enumerated().compactMap { number, verdict -> String? in
            verdict == .none ? nil : "\(verdict.rawValue) \(syscallName(Int32(number)))"
        }
        let text = lines.sorted().joined(separator: "\n") + "\n"
        if getenv("ISE_WRITE_GOLDEN") != nil { writeHostFile(path, Array(text.utf8)) }
        let golden = hostFile(path)
        if golden.isEmpty { try skip("there is no golden list for this architecture yet, or the sources are not here") }
        let ours = Set(lines), agreed = Set(golden.split(separator: "\n").map(String.init))
        #expect(ours.subtracting(agreed).isEmpty, "not on the list")
        #expect(agreed.subtracting(ours).isEmpty, "only on the list")
    }

    @Test(.attack(64)) func `D64 Every number gets from the kernel what the filter says, and nothing dies of it`()
        async throws
    {
        let verdicts = try Self.verdicts()
        let seen = try await Target.withWorkspace {
            try await $0.probe(["scan", "\(Self.last)"], timeout: .seconds(110))
        }
        #expect(seen.values.count == verdicts.count, "it ended early: \(seen.result.endedBy)")
        for (number, verdict) in verdicts.enumerated() {
            #if arch(x86_64)
                // uretprobe and uprobe: Linux keeps them from every filter, and they end whoever calls them out of place.
                if number == 335 || number == 336 { continue }
            #endif
            let value = seen["\(number)"]
            switch verdict {
            case .none: #expect(value == "ENOSYS", "\(syscallName(Int32(number))): \(value)")
            case .refuse, .quiet: #expect(value == "EPERM", "\(syscallName(Int32(number))): \(value)")
            case .allow, .pretend: #expect(value != "SIGSYS", "\(syscallName(Int32(number))): \(value)")
            case .kill, .other: Issue.record("\(syscallName(Int32(number))): the filter says \(verdict)")
            }
        }
    }

    @Test(.attack(50, 51)) func `D50 D51 The filter kills every call of another architecture or of x32`() throws {
        let filter = try FilterProgram(flags: ISE_FILTER_NOTIFY.rawValue)
        for number in 0...UInt32(600) {
            for other: UInt32 in [0x4000_0003, 0x4000_0028, 0xc000_00b7, 0xc000_003e, 3]
            where other != Self.architecture {
                #expect(filter.verdict(number, architecture: other) == .kill)
            }
            #if arch(x86_64)
                #expect(filter.verdict(number | 0x4000_0000, architecture: Self.architecture) == .kill)
            #endif
        }
    }

    @Test(.attack(66)) func `D66 No decision hangs on what a pointer points to`() throws {
        // A filter cannot follow a pointer, and nothing else decides: refused calls are refused by their number (DenialListener).
        let plain: [String: Set<Int>] = [
            "ioctl": [1], "prctl": [0], "personality": [0], "clone": [0], "socket": [0, 1, 2], "socketpair": [0],
            "setrlimit": [0],
            "prlimit64": [0, 1, 2, 4, 5], "sched_setaffinity": [0], "sched_setscheduler": [0], "sched_setparam": [0],
            "sched_setattr": [0],
            "setpriority": [0, 1], "ioprio_set": [0, 1],
        ]
        let filter = try FilterProgram(flags: ISE_FILTER_NOTIFY.rawValue | ISE_FILTER_ROUTE_NETLINK.rawValue)
        var inspected: [String: Set<Int>] = [:]
        for number in 0...Self.last {
            for value: UInt64 in [0, 1, 2, 4, 10, 16, .max] {
                for index in 0..<6 {
                    var arguments = [UInt64](repeating: 0, count: 6)
                    arguments[index] = value
                    _ = filter.verdict(number, architecture: Self.architecture, arguments: arguments) {
                        inspected[syscallName(Int32(number)), default: []].insert($0)
                    }
                }
            }
        }
        #expect(!inspected.isEmpty)
        for (name, arguments) in inspected {
            #expect(arguments.isSubset(of: plain[name] ?? []), "\(name): \(arguments)")
        }
    }
}
