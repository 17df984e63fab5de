import Glibc

/// Runs a program on the host as plainly as can be: posix_spawn (which is a vfork), its output captured through a pipe.
func runOnHost(_ argv: [String]) throws -> Int {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw BenchmarkError("pipe: errno \(errno)") }
    defer { close(ends[0]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addclose(&actions, ends[0])
    var arguments: [UnsafeMutablePointer<CChar>?] = argv.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var pid: pid_t = 0
    let error = posix_spawn(&pid, argv[0], &actions, nil, &arguments, environ)
    close(ends[1])
    guard error == 0 else { throw BenchmarkError("\(argv[0]): errno \(error)") }
    var buffer = [UInt8](repeating: 0, count: 65536)
    var total = 0
    while case let count = read(ends[0], &buffer, buffer.count), count > 0 { total += count }
    var status: Int32 = 0
    waitpid(pid, &status, 0)
    guard status == 0 else { throw BenchmarkError("\(argv.joined(separator: " ")): status \(status)") }
    return total
}

struct BenchmarkError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
