import Basics
import FoundationEssentials
import Glibc
import TestSupport

/// A program of the host with pipes to and from it, for tests that play its user.
struct HostProgram {
    let pid: pid_t
    private let input: Pipe
    private let place: TemporaryDirectory

    /// Its exit code, 128 + n after signal n, and what it wrote.
    struct Ending {
        var status: CInt
        var stdout: String
        var stderr: String
    }

    init(_ argv: [String], environment: [String: String] = [:]) throws {
        place = try TemporaryDirectory()
        input = try Pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.reading, 0)
        for (descriptor, name) in [(1, "stdout"), (2, "stderr")] as [(CInt, String)] {
            posix_spawn_file_actions_addopen(&actions, descriptor, "\(place.path)/\(name)", O_WRONLY | O_CREAT, 0o644)
        }
        let inherited = ["PATH", "HOME", "LD_LIBRARY_PATH"].compactMap { (name: String) in
            getenv(name).map { (name, String(cString: $0)) }
        }
        let variables = Dictionary(inherited) { first, _ in first }.merging(environment) { $1 }
        var arguments = argv.map { strdup($0) } + [nil]
        var pairs = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for pointer in arguments + pairs { free(pointer) } }
        var pid = pid_t()
        let code = posix_spawnp(&pid, argv[0], &actions, nil, &arguments, &pairs)
        guard code == 0 else { throw SystemFailure(doing: "start \(argv[0])", errno: code) }
        self.pid = pid
        input.closeReading()
    }

    func send(_ text: String) async {
        let (bytes, descriptor) = (Array(text.utf8), input.writing)
        await blocking { _ = write(descriptor, bytes, bytes.count) }
    }

    func closeInput() { input.closeWriting() }

    func signal(_ number: CInt) { kill(pid, number) }

    func stdoutSoFar() throws -> String { String(decoding: try place.read("stdout"), as: UTF8.self) }

    /// Waits without holding a thread of the pool.
    func ending() async throws -> Ending {
        var status: CInt = 0
        while waitpid(pid, &status, WNOHANG) == 0 { try await Task.sleep(for: .milliseconds(10)) }
        let signal = status & 0x7F
        return Ending(
            status: signal == 0 ? status >> 8 & 0xFF : 128 + signal, stdout: try stdoutSoFar(),
            stderr: String(decoding: try place.read("stderr"), as: UTF8.self))
    }

    static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    /// Beside the bundle of the tests.
    static let ise: String = {
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? ".build/debug/x"
        let folder = bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        return folder.hasPrefix("/") ? folder + "/ise" : root + "/" + folder + "/ise"
    }()

    static func fixture(_ name: String) -> String { root + "/Tests/MCPTests/Fixtures/" + name }
}

/// The official Python SDK, where `tools/test` has installed it.
enum PythonSDK {
    static let interpreter = HostProgram.root + "/.build/mcp-sdk/bin/python"

    static let isThere = access(interpreter, X_OK) == 0
    static let packages: String = {
        let lib = HostProgram.root + "/.build/mcp-sdk/lib"
        let python = (try? FileManager.default.contentsOfDirectory(atPath: lib))?.first ?? ""
        return "\(lib)/\(python)/site-packages"
    }()

    /// The packages hold compiled code: a workspace's own Python must be of the same version.
    static let canServe =
        isThere && packages.contains("/\(systemPython)/") && access("/usr/bin/\(systemPython)", X_OK) == 0
    static let cannotServe = "the official SDK is not there, or not for the /usr/bin/python3 that workspaces have"

    private static let systemPython: String = {
        var name = [CChar](repeating: 0, count: 64)
        let length = readlink("/usr/bin/python3", &name, name.count)
        return String(decoding: name.prefix(max(0, length)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()

    static let missing = "the official SDK is not there: tools/test installs it with pip, where there is a network"
}
