import Glibc
import JSON
import TestSupport

/// The built `ise`, run as its users run it.
struct ISEProcess {
    let pid: pid_t
    private let place: TemporaryDirectory

    struct Ending {
        /// 128 + n after signal n, as a shell says it.
        var status: CInt
        var stdout: String
        var stderr: String

        var lastLine: String { stdout.split(separator: "\n").last.map(String.init) ?? "" }
        var summary: JSONValue? { try? JSONValue(parsing: lastLine) }
    }

    struct CannotStart: Error { var code: CInt }

    /// Starts `ise`, or another program, with these arguments and an environment without any setting of ISE but those given.
    init(_ arguments: [String], environment: [String: String] = [:], program: String = Self.executable) throws {
        place = try TemporaryDirectory()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (descriptor, name) in [(1, "stdout"), (2, "stderr")] as [(CInt, String)] {
            posix_spawn_file_actions_addopen(&actions, descriptor, "\(place.path)/\(name)", O_WRONLY | O_CREAT, 0o644)
        }
        let inherited = ["PATH", "HOME", "LD_LIBRARY_PATH"].compactMap { (name: String) in
            getenv(name).map { (name, String(cString: $0)) }
        }
        let variables = Dictionary(inherited) { first, _ in first }.merging(environment) { $1 }
        let argv = CStrings([program] + arguments)
        let envp = CStrings(variables.map { "\($0)=\($1)" })
        var pid = pid_t()
        let code = posix_spawn(&pid, program, &actions, nil, argv.pointers, envp.pointers)
        guard code == 0 else { throw CannotStart(code: code) }
        self.pid = pid
    }

    var isRunning: Bool {
        var info = siginfo_t()
        return waitid(P_PID, id_t(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_signo == 0
    }

    /// Waits without holding a thread of the pool.
    func ending() async throws -> Ending {
        var status: CInt = 0
        while waitpid(pid, &status, WNOHANG) == 0 { try await Task.sleep(for: .milliseconds(10)) }
        let signal = status & 0x7F
        return Ending(
            status: signal == 0 ? status >> 8 & 0xFF : 128 + signal, stdout: try text("stdout"),
            stderr: try text("stderr"))
    }

    /// What it has written to standard error so far.
    func errorsSoFar() throws -> String { try text("stderr") }

    /// What it has written to standard output so far.
    func outputSoFar() throws -> String { try text("stdout") }

    private func text(_ name: String) throws -> String { String(decoding: try place.read(name), as: UTF8.self) }

    /// Beside the bundle of the tests.
    static let executable: String = {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") }
        let folder = bundle.map {
            $0.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        }
        let path = (folder ?? ".build/debug") + "/ise"
        guard !path.hasPrefix("/"), let here = getcwd(nil, 0) else { return path }
        defer { free(here) }
        return String(cString: here) + "/" + path
    }()
}

/// A null-terminated list of C strings that lives as long as this.
private final class CStrings {
    var pointers: [UnsafeMutablePointer<CChar>?]
    init(_ strings: [String]) { pointers = strings.map { strdup($0) } + [nil] }
    deinit { pointers.forEach { free($0) } }
}

func ise(_ arguments: String..., environment: [String: String] = [:]) async throws -> ISEProcess.Ending {
    try await ISEProcess(arguments, environment: environment).ending()
}
