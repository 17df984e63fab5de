import Glibc
import WorkspaceShim

@testable import Workspaces

/// What the filter is written for.
enum Architecture: String, CaseIterable {
    case x86_64, aarch64

    /// `AUDIT_ARCH_*`.
    var number: UInt32 {
        switch self {
        case .x86_64: ISE_X86_64
        case .aarch64: ISE_AARCH64
        }
    }

    static let native = allCases.first { $0.number == ISE_NATIVE }!
    static let lastCall: UInt32 = 1023

    func name(_ call: UInt32) -> String { syscallName(Int32(bitPattern: call), on: number) }

    private static let numbers = Dictionary(
        uniqueKeysWithValues: allCases.map { architecture in
            (architecture, Dictionary(uniqueKeysWithValues: (0...lastCall).map { (architecture.name($0), $0) }))
        })

    /// Nil: there is no such call.
    func number(of call: String) -> UInt32? { Self.numbers[self]?[call] }
}

/// The filter as a program: what it decides about a call, without a kernel.
struct FilterProgram {
    enum Verdict: String { case allow, refuse, quiet, none, kill, pretend, noProtocol, other }

    /// `struct sock_filter`.
    private struct Instruction {
        var code: UInt16
        var jt, jf: UInt8
        var k: UInt32
    }

    static let secret: [UInt32] = [0x1234_5678, 0x9abc_def0]

    let architecture: Architecture
    private let code: [Instruction]

    init(_ architecture: Architecture = .native, _ flags: ise_filter_flags...) throws {
        var program: UnsafeMutableRawPointer?
        var length = 0
        let error = ise_filter_compile(
            architecture.number, flags.reduce(0) { $0 | $1.rawValue }, Self.secret, &program, &length)
        guard error == 0, let program else { throw WorkspaceError.failed(stage: "compile the filter", errno: error) }
        defer { free(program) }
        self.architecture = architecture
        code = Array(UnsafeRawBufferPointer(start: program, count: length).bindMemory(to: Instruction.self))
    }

    /// Classic BPF over a `struct seccomp_data`. `looked` is told of each word of an argument that is read.
    func verdict(
        _ number: UInt32, _ arguments: [UInt64] = [], architecture: UInt32? = nil, looked: (Int) -> Void = { _ in }
    ) -> Verdict {
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
                case 4: a = architecture ?? self.architecture.number
                case 8, 12: a = 0
                default:
                    let word = Int(op.k - 16) / 4
                    looked(word / 2)
                    let argument = word / 2 < arguments.count ? arguments[word / 2] : 0
                    a = UInt32(truncatingIfNeeded: argument >> (word % 2 == 0 ? 0 : 32))
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
        case (0x0005_0000, UInt32(EPROTONOSUPPORT)): .noProtocol
        case (0x0005_0000, 0): .pretend
        case (0x8000_0000, _): .kill
        default: .other
        }
    }
}
