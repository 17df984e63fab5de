import Glibc
import TestSupport
import Testing

@testable import Workspaces

private let gibibytesFree = sysconf(CInt(_SC_AVPHYS_PAGES)) * sysconf(CInt(_SC_PAGESIZE)) >> 30

/// What goes in goes through descriptors, not through arguments.
@Suite struct LargeFileTests {
    @Test(.enabled(if: gibibytesFree >= 6, "needs 6 GiB of free memory"))
    func `A file of more than 2 GiB goes in, whole`() async throws {
        let place = try TemporaryDirectory()
        try place.write("big", [])
        let size = (2 << 30) + 5
        let descriptor = Glibc.open(place.file("big"), O_WRONLY)
        #expect(pwrite(descriptor, "end", 3, off_t(size - 3)) == 3)
        close(descriptor)
        var policy = Policy()
        policy.limits.diskBytes = 3 << 30
        policy.limits.memoryBytes = nil
        try await Shared.withWorkspace(policy) { workspace in
            let copied = try await workspace.copyIn(place.path)
            #expect(copied == CopiedFiles(files: 1, bytes: size))
            let seen = try await workspace.exec(.shell("stat -c %s big; tail -c 5 big | od -An -c"))
            #expect(seen.stdout.text == "\(size)\n  \\0  \\0   e   n   d\n")
        }
    }

    @Test func `Any name that a file may have can be written and read`() async throws {
        let names = [
            "new\nline", "Grüße, 世界 🌊", "-rf", "a b\t'\"$(x)`*", "e\u{301}", String(repeating: "ü", count: 127),
        ]
        try await Shared.withWorkspace { workspace in
            for (index, name) in names.enumerated() {
                try await workspace.write("d/\(name)/\(name)", [UInt8(index)])
                #expect(try await workspace.read("d/\(name)/\(name)") == [UInt8(index)])
                // A program inside finds the very bytes.
                let found = try await workspace.exec(ExecRequest(argv: ["cat", "d/\(name)/\(name)"]))
                #expect(found.stdout.bytes == [UInt8(index)])
            }
            #expect(Set(try await workspace.list("d").entries.map(\.path)) == Set(names))
        }
    }
}
