import Glibc

/// Runs a program of the host with its output thrown away, waits for it, and returns its exit code; nil when it could
/// not be started or was killed.
public func runCommand(_ argv: [String]) -> CInt? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in 0...2 as ClosedRange<CInt> {
        posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    var arguments: [UnsafeMutablePointer<CChar>?] = argv.map { strdup($0) }
    defer { arguments.forEach { free($0) } }
    arguments.append(nil)
    var pid = pid_t()
    guard posix_spawnp(&pid, argv[0], &actions, nil, arguments, environ) == 0 else { return nil }
    var status: CInt = 0
    while waitpid(pid, &status, 0) < 0 {
        if errno != EINTR { return nil }
    }
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : nil
}
