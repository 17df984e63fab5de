import Testing

@testable import Workspaces

/// Networks are no scarce good: each workspace has all ports for itself.
@Suite struct PortTests {
    private static let server = """
        import socket
        server = socket.socket(); server.bind(("", 8080)); server.listen(); open("ready", "w")
        while True:
            client, _ = server.accept(); client.sendall(open("name", "rb").read()); client.close()
        """
    private static let client = """
        import socket
        print(socket.create_connection(("127.0.0.1", 8080)).recv(100).decode())
        """

    @Test func `Forty workspaces listen on the same port at once, and each reaches its own`() async throws {
        try await withThrowingTaskGroup(of: (Int, Workspace).self) { group in
            for number in 0..<40 {
                group.addTask {
                    let workspace = try await Shared.host.open()
                    try await workspace.write("name", Array("\(number)".utf8))
                    try await workspace.write("server.py", Array(Self.server.utf8))
                    let start = "python3 server.py > /dev/null 2>&1 & until test -e ready; do sleep 0.02; done"
                    #expect(try await workspace.exec(.shell(start)).leftRunning.count == 1)
                    return (number, workspace)
                }
            }
            var open: [(Int, Workspace)] = []
            for try await pair in group { open.append(pair) }
            for (number, workspace) in open {
                let answer = try await workspace.exec(ExecRequest(argv: ["python3", "-c", Self.client]))
                #expect(answer.stdout.text == "\(number)\n", "\(answer.stderr.text)")
                await workspace.close()
            }
        }
    }
}
