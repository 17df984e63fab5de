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
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
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

/// Runs of `/bin/true` a second with `count` in flight: as fast as one thread can start and reap them.
func hostThroughput(inFlight count: Int, runs: Int) throws -> Double {
    let words: [String] = ["/bin/true"]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    let clock = ContinuousClock()
    let start = clock.now
    var started = 0
    var running: Set<pid_t> = []
    while started < runs || !running.isEmpty {
        while started < runs, running.count < count {
            var pid: pid_t = 0
            guard posix_spawn(&pid, "/bin/true", nil, nil, &arguments, environ) == 0 else {
                throw BenchmarkError("posix_spawn: errno \(errno)")
            }
            running.insert(pid)
            started += 1
        }
        running.remove(waitpid(-1, nil, 0))
    }
    return Double(runs) / ((clock.now - start) / .seconds(1))
}

/// Kilobytes of one field of a file of `/proc`.
func procField(_ path: String, _ name: String) -> Int? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let length = max(0, read(descriptor, &buffer, buffer.count))
    let line = String(decoding: buffer[..<length], as: UTF8.self).split(separator: "\n").first {
        $0.hasPrefix(name + ":")
    }
    return line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }
}

struct BenchmarkError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
