import Glibc
import Testing
@testable import Workspaces
func say(_ items: Any...) { print(items.map { "\($0)" }.joined(separator: " ")); fflush(nil) }
@Suite(.serialized) struct Explore {
    func log<T: Sendable>(_ name: String, _ policy: Policy = Policy(), _ body: @escaping @Sendable (Workspace) async throws -> T) async throws {
        let w = try await Target.host.open(policy)
        let clock = ContinuousClock(); let start = clock.now
        do {
            let v = try await within(.seconds(25)) { try await body(w) }
            say("##", name, clock.now - start, v.map { "\($0)" } ?? "HUNG")
        } catch { say("##", name, "threw", error) }
        let c: Bool? = try await within(.seconds(10)) { await w.close(); return true }
        if c == nil { say("##", name, "CLOSE HUNG") }
    }
    @Test func explore() async throws {
        try await log("stop storm") { w in
            for _ in 0..<6 { _ = try await w.probe("stop-storm", "8", timeout: .seconds(3)) }
            var n = 0
            for _ in 0..<60 { let r = try await w.exec(.shell("true", timeout: .milliseconds(300))); if r.endedBy == .timeout { n += 1 } }
            return "timeouts \(n)" }
        try await log("magic") { w in
            _ = try await w.exec(.shell("ln -s /proc/self/fd link"))
            var s = ""
            for fd in try await w.list("/proc/self/fd").entries.map(\.path) {
                for dir in ["/proc/self/fd/\(fd)", "link/\(fd)"] {
                    do { try await w.makeDirectory("\(dir)/shm/evil\(fd)"); s += " \(dir) made" } catch { s += " \(dir) \((error as? WorkspaceError)?.code.description ?? "?")" }
                    do { if let st = try await w.stat("\(dir)/root") { s += " stat \(st.kind)" } } catch { }
                }
            }
            return s + (try await w.exec(.shell("ls /dev/shm"))).stdout.text }
        try await log("xattr") { w in
            let py = """
            import os
            os.makedirs('d/sub'); open('d/f','w').write('x'); os.makedirs('/home/user/e')
            for n in ['opaque','redirect','metacopy','origin','whiteout','impure']:
                for p in ['d','d/f']:
                    try: os.setxattr(p,'user.overlay.'+n,b'y' if n!='redirect' else b'/etc')
                    except OSError as e: print(n,p,e)
            print(os.listxattr('d'), os.listxattr('d/f'))
            """
            let a = try await w.exec(ExecRequest(argv: ["python3", "-c", py]))
            let s = try await w.snapshot()
            let o = try await Target.host.open(s)
            let b = try await o.exec(.shell("ls -la d; cat d/f; ls d/sub; python3 -c \"import os; print(os.listxattr('d'), os.listxattr('d/f'))\""))
            await o.close()
            return a.stdout.text + a.stderr.text + b.stdout.text + b.stderr.text }
    }
}
